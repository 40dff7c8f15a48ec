namespace Pipeline.Stages.Artifacts;

/// <summary>What is wrong with one thing of a run folder.</summary>
/// <param name="Kind">Which decides what repair does.</param>
/// <param name="Path">What to delete, where deleting helps.</param>
/// <param name="Message">What was found, what was expected.</param>
public sealed record Finding(FindingKind Kind, string Path, string Message);

public enum FindingKind
{
    /// <summary>The bytes are not what was written. Deleted, it is made again.</summary>
    Damaged,

    /// <summary>Listed, but missing. The next run makes it again.</summary>
    Missing,

    /// <summary>Unfinished work of a process that no longer runs.</summary>
    Leftover,

    /// <summary>Of a version this program does not read, or made from something else than its neighbours. Nothing is deleted for it.</summary>
    Foreign,
}

/// <summary>What was checked, and what is wrong.</summary>
/// <param name="Findings">In the order of the paths.</param>
/// <param name="Checked">Shards, manifests, checkpoint files and listed files whose checksums were computed.</param>
/// <param name="Bytes">Of those.</param>
public sealed record VerificationReport(IReadOnlyList<Finding> Findings, int Checked, long Bytes);
