namespace Pipeline.Contracts.Formats;

/// <summary>
/// Names of the parts of a <see cref="ShardFingerprint"/>. They are in every shard that was ever written, so a name is never changed.
/// </summary>
public static class FingerprintPart
{
    /// <summary>The input files, and what is read of them.</summary>
    public const string Input = "input";

    public const string TeacherTokenizer = "teacher tokenizer";

    public const string StudentTokenizer = "student tokenizer";

    /// <summary>Chat templates of both sides.</summary>
    public const string Templates = "templates";

    /// <summary>How documents are cut, and what surrounds them.</summary>
    public const string Limits = "limits";

    /// <summary>Weights and configuration of the teacher.</summary>
    public const string TeacherWeights = "teacher weights";

    /// <summary>The edit of the teacher's activations; absent where it has none.</summary>
    public const string TeacherEdit = "teacher edit";

    /// <summary>What made scores that were read from files, as the definition names it; absent where a teacher was asked.</summary>
    public const string ImportedFrom = "scores imported from";

    /// <summary>How the teacher wrote the texts; absent where they were read.</summary>
    public const string Writing = "writing";

    /// <summary>Layers whose states are kept.</summary>
    public const string TeacherHiddenStates = "teacher hidden states";

    /// <summary>Bits kept of the teacher's numbers; absent if 16, as in shards from before there was a choice.</summary>
    public const string TeacherScores = "teacher scores";

    /// <summary>
    /// What shards know of the boundary mass where it is not the mass itself: <c>interval</c> or <c>unknown</c>. Absent where masses are known;
    /// shards that have it are of format 2.
    /// </summary>
    public const string TeacherBoundary = "teacher boundary";

    /// <summary>
    /// From which contexts next bytes were summed, and how much of them is kept; absent if shards have none. Shards that have them are of format 3.
    /// </summary>
    public const string TeacherNextBytes = "teacher next bytes";

    /// <summary>Bits kept of next bytes; absent if 16.</summary>
    public const string NextByteBits = "next byte bits";

    /// <summary>Whether a teacher gives the same bits again; absent if it does.</summary>
    public const string TeacherRepeats = "teacher scores repeat";

    /// <summary>The order in which examples of other shards were read.</summary>
    public const string Order = "order";

    /// <summary>Tokens that an example may have under the tokenizer it was realigned to.</summary>
    public const string RealignedLimit = "realigned limit";
}
