namespace Pipeline.Contracts.Formats;

/// <summary>The names of the parts of a <see cref="ShardFingerprint"/>. Shards contain them, so a name must never change.</summary>
public static class FingerprintPart
{
    /// <summary>The input files, and what is read from them.</summary>
    public const string Input = "input";

    public const string TeacherTokenizer = "teacher tokenizer";

    public const string StudentTokenizer = "student tokenizer";

    /// <summary>The chat templates of both sides.</summary>
    public const string Templates = "templates";

    /// <summary>How documents are cut, and which tokens are put around them.</summary>
    public const string Limits = "limits";

    /// <summary>The teacher's weights and configuration.</summary>
    public const string TeacherWeights = "teacher weights";

    /// <summary>The edit of the teacher's activations; absent if it has none.</summary>
    public const string TeacherEdit = "teacher edit";

    /// <summary>What made scores that were imported from files, as the definition names it; absent if a teacher was run.</summary>
    public const string ImportedFrom = "scores imported from";

    /// <summary>How the teacher wrote the texts; absent if they were read.</summary>
    public const string Writing = "writing";

    /// <summary>The layers whose hidden states are kept, or <c>none</c>.</summary>
    public const string TeacherHiddenStates = "teacher hidden states";

    /// <summary>How many bits of the teacher's two numbers are kept; absent for 16, as in shards from before there was a choice.</summary>
    public const string TeacherScores = "teacher scores";

    /// <summary>
    /// What is known about the boundary mass instead of the mass itself: <c>interval</c> or <c>unknown</c>. Absent if the masses are known. Shards that
    /// have it are of version 2 at least.
    /// </summary>
    public const string TeacherBoundary = "teacher boundary";

    /// <summary>
    /// From which contexts next bytes were summed, and how much of them is kept; absent if shards have none. Shards that have it are of version 3.
    /// </summary>
    public const string TeacherNextBytes = "teacher next bytes";

    /// <summary>How many bits of the numbers of next bytes are kept; absent for 16.</summary>
    public const string NextByteBits = "next byte bits";

    /// <summary>Says "no" if the teacher does not give the same bits again; absent if it does.</summary>
    public const string TeacherRepeats = "teacher scores repeat";

    /// <summary>The order in which the examples of other shards were read.</summary>
    public const string Order = "order";

    /// <summary>The most tokens that an example may have under the tokenizer that it was realigned to.</summary>
    public const string RealignedLimit = "realigned limit";
}
