namespace Pipeline.Stages.Inspection;

/// <summary>What two tokenizers make of each other and of a sample of text, before any compute is spent. Serializes to JSON as it is.</summary>
public sealed record PairReport
{
    /// <summary>The paths as given.</summary>
    public required string Teacher { get; init; }

    public required string Student { get; init; }

    public required VocabularyMatch Vocabulary { get; init; }

    public required TextFigures Text { get; init; }

    /// <summary>How many chunks have how many tokens, on each side.</summary>
    public required IReadOnlyList<ChunkLengthRow> ChunkLengths { get; init; }

    /// <summary>Runs of digits and of punctuation in the sample, and how often both sides cut them at the same places.</summary>
    public required IReadOnlyList<RunFigures> Runs { get; init; }

    /// <summary>How each side splits numbers and punctuation that models stumble over.</summary>
    public required IReadOnlyList<SplitRow> Splits { get; init; }

    public required SpecialTokens Specials { get; init; }

    /// <summary>Documents that the <c>tokenize</c> stage would reject, by reason.</summary>
    public required IReadOnlyList<RejectRow> Rejects { get; init; }

    public required IReadOnlyList<LimitRow> Limits { get; init; }
}

/// <summary>Tokens of text (without special tokens) and how many stand for exactly the same bytes on both sides.</summary>
public sealed record VocabularyMatch(int TeacherTokens, int StudentTokens, int SameBytes)
{
    /// <summary>The part of the student's vocabulary that begins with a copied embedding.</summary>
    public double ShareOfStudent => StudentTokens == 0 ? 0 : (double)SameBytes / StudentTokens;

    public double ShareOfTeacher => TeacherTokens == 0 ? 0 : (double)SameBytes / TeacherTokens;
}

/// <summary>The sample, without what was rejected. Tokens are those of text, without bos and eos.</summary>
public sealed record TextFigures(long Documents, long Bytes, long BytesCovered, long TeacherTokens, long StudentTokens, long Chunks, long OneToOneChunks)
{
    public double ShareCovered => Bytes == 0 ? 0 : (double)BytesCovered / Bytes;

    public double TeacherTokensPerByte => Bytes == 0 ? 0 : (double)TeacherTokens / Bytes;

    public double StudentTokensPerByte => Bytes == 0 ? 0 : (double)StudentTokens / Bytes;

    public double BytesPerChunk => Chunks == 0 ? 0 : (double)BytesCovered / Chunks;
}

/// <summary>Chunks with <paramref name="From"/> to <paramref name="To"/> tokens on a side; <paramref name="To"/> is null for "and more".</summary>
public sealed record ChunkLengthRow(int From, int? To, long TeacherChunks, long StudentChunks);

/// <param name="Kind">"digits" or "punctuation".</param>
/// <param name="Runs">Maximal runs in the sample.</param>
/// <param name="SameCuts">Runs that both sides cut at the same places, their two ends included.</param>
/// <param name="TeacherTokens">Tokens that end inside a run or at its end.</param>
public sealed record RunFigures(string Kind, long Runs, long SameCuts, long TeacherTokens, long StudentTokens);

/// <summary>A text and its pieces on each side; bytes that are not a whole character are written as <c>&lt;E2&gt;</c>.</summary>
public sealed record SplitRow(string Text, IReadOnlyList<string> Teacher, IReadOnlyList<string> Student, bool SameCuts);

/// <summary>Which special tokens mean the same on both sides.</summary>
/// <param name="Paired">By role, by a rendered conversation, or by name.</param>
/// <param name="TeacherOnly">Special tokens of the teacher that belong to no chunk.</param>
/// <param name="StudentOnly">Special tokens of the student that no teacher token teaches.</param>
/// <param name="Conversation">Whether a conversation can be aligned: "ok", or why not.</param>
public sealed record SpecialTokens(
    IReadOnlyList<SpecialPair> Paired, IReadOnlyList<string> TeacherOnly, IReadOnlyList<string> StudentOnly, string Conversation);

/// <param name="How">"bos", "eos", "pad", "template" or "name".</param>
public sealed record SpecialPair(string How, string Teacher, string Student);

/// <param name="Example">The first such document's message.</param>
public sealed record RejectRow(string Reason, long Documents, string Example);

/// <summary>What a limit on tokens per document does, bos and eos counted.</summary>
/// <param name="TeacherOver">Documents over it under the teacher's tokenizer.</param>
/// <param name="TeacherBytesBeyond">Bytes of text beyond it, which cut would lose and split would put into further parts.</param>
public sealed record LimitRow(int Tokens, long TeacherOver, long StudentOver, long TeacherBytesBeyond, long StudentBytesBeyond);
