namespace Pipeline.Stages.Artifacts;

/// <summary>What is wrong with a file or folder.</summary>
/// <param name="Kind">The kind of problem, which decides what repair does.</param>
/// <param name="Path">The file or folder. It is deleted where that helps.</param>
/// <param name="Message">What was found, and what was expected.</param>
public sealed record Finding(FindingKind Kind, string Path, string Message);

/// <summary>The kinds of problems.</summary>
public enum FindingKind
{
    /// <summary>The bytes are not those that were written. Once it is deleted, the next run makes it again.</summary>
    Damaged,

    /// <summary>It is listed but does not exist. The next run makes it again.</summary>
    Missing,

    /// <summary>Work that was not finished. Either its process still runs, or it is never needed again.</summary>
    Leftover,

    /// <summary>Something that cannot be judged: another version, made from something else than its neighbours, renamed, or a link. It is never deleted.</summary>
    Foreign,
}

/// <summary>What was checked, and what is wrong.</summary>
/// <param name="Findings">The findings, in the order in which they were made.</param>
/// <param name="Intact">How many things were found to be as they were written: shards, manifests, files of checkpoints, lists and the files in them.</param>
/// <param name="Bytes">Their length in bytes.</param>
public sealed record VerificationReport(IReadOnlyList<Finding> Findings, int Intact, long Bytes);
