namespace Pipeline.Stages.Inspection;

/// <summary>
/// How two tokenizers fit each other and a sample of text. It helps to choose a pair before any compute is spent. It can be serialized to JSON as it is.
/// </summary>
public sealed record PairReport
{
    /// <summary>The path of the teacher's tokenizer, as it was given.</summary>
    public required string Teacher { get; init; }

    /// <summary>The path of the student's tokenizer, as it was given.</summary>
    public required string Student { get; init; }

    /// <summary>How many tokens the vocabularies share.</summary>
    public required VocabularyMatch Vocabulary { get; init; }

    /// <summary>Sums over the sample.</summary>
    public required TextFigures Text { get; init; }

    /// <summary>How many chunks have how many tokens on each side.</summary>
    public required IReadOnlyList<ChunkLengthRow> ChunkLengths { get; init; }

    /// <summary>The runs of digits and of punctuation in the sample, and how often both sides cut them at the same places.</summary>
    public required IReadOnlyList<RunFigures> Runs { get; init; }

    /// <summary>How each side splits some numbers and punctuation that tokenizers treat differently.</summary>
    public required IReadOnlyList<SplitRow> Splits { get; init; }

    /// <summary>Which special tokens correspond to each other.</summary>
    public required SpecialTokens Specials { get; init; }

    /// <summary>The documents that the stage <c>tokenize</c> would reject, by reason.</summary>
    public required IReadOnlyList<RejectRow> Rejects { get; init; }

    /// <summary>The effect of limits on tokens per document.</summary>
    public required IReadOnlyList<LimitRow> Limits { get; init; }
}

/// <summary>How many different tokens of text (without special tokens) each vocabulary has, and how many stand for the same bytes on both sides.</summary>
public sealed record VocabularyMatch(int TeacherTokens, int StudentTokens, int SameBytes)
{
    /// <summary>The share of the student's vocabulary that begins with an embedding copied from the teacher's vocabulary.</summary>
    public double ShareOfStudent => StudentTokens == 0 ? 0 : (double)SameBytes / StudentTokens;

    public double ShareOfTeacher => TeacherTokens == 0 ? 0 : (double)SameBytes / TeacherTokens;
}

/// <summary>
/// Sums over the documents of the sample that were not rejected. Tokens are those of text, without bos and eos. Bytes are covered when they are in a chunk.
/// </summary>
public sealed record TextFigures(long Documents, long Bytes, long BytesCovered, long TeacherTokens, long StudentTokens, long Chunks, long OneToOneChunks)
{
    public double ShareCovered => Bytes == 0 ? 0 : (double)BytesCovered / Bytes;

    public double TeacherTokensPerByte => Bytes == 0 ? 0 : (double)TeacherTokens / Bytes;

    public double StudentTokensPerByte => Bytes == 0 ? 0 : (double)StudentTokens / Bytes;

    public double BytesPerChunk => Chunks == 0 ? 0 : (double)BytesCovered / Chunks;
}

/// <summary>
/// How many chunks have <paramref name="From"/> to <paramref name="To"/> tokens on each side; <paramref name="To"/> is null for "and more".
/// </summary>
public sealed record ChunkLengthRow(int From, int? To, long TeacherChunks, long StudentChunks);

/// <summary>How the two sides cut runs of digits or of punctuation.</summary>
/// <param name="Kind">"digits" or "punctuation".</param>
/// <param name="Runs">How many maximal runs the sample has.</param>
/// <param name="SameCuts">How many of them both sides cut at the same places, both ends of the run included.</param>
/// <param name="TeacherTokens">How many tokens of the teacher end inside a run or at its end.</param>
/// <param name="StudentTokens">The same for the student.</param>
public sealed record RunFigures(string Kind, long Runs, long SameCuts, long TeacherTokens, long StudentTokens);

/// <summary>A text and its tokens on each side. Bytes that are not a whole character are written as <c>&lt;E2&gt;</c>.</summary>
public sealed record SplitRow(string Text, IReadOnlyList<string> Teacher, IReadOnlyList<string> Student, bool SameCuts);

/// <summary>Which special tokens mean the same on both sides.</summary>
/// <param name="Paired">The pairs that were found by role, in a rendered conversation, or by name.</param>
/// <param name="TeacherOnly">The special tokens of the teacher without a partner. They belong to no chunk.</param>
/// <param name="StudentOnly">The special tokens of the student without a partner. It learns nothing about them from the teacher.</param>
/// <param name="Conversation">"ok" if a conversation can be aligned, or else why not.</param>
public sealed record SpecialTokens(
    IReadOnlyList<SpecialPair> Paired, IReadOnlyList<string> TeacherOnly, IReadOnlyList<string> StudentOnly, string Conversation);

/// <summary>Special tokens of the two sides that mean the same.</summary>
/// <param name="How">How the pair was found: "bos", "eos", "pad", "template" or "name".</param>
/// <param name="Teacher">The teacher's token, or several of them that a template writes together.</param>
/// <param name="Student">The student's.</param>
public sealed record SpecialPair(string How, string Teacher, string Student);

/// <summary>Documents that are rejected for the same reason.</summary>
/// <param name="Reason">The reason.</param>
/// <param name="Documents">How many documents are rejected for it.</param>
/// <param name="Example">The message for the first of them.</param>
public sealed record RejectRow(string Reason, long Documents, string Example);

/// <summary>What a limit on tokens per document does.</summary>
/// <param name="Tokens">The limit; bos and eos count.</param>
/// <param name="TeacherOver">How many documents are longer with the teacher's tokenizer.</param>
/// <param name="StudentOver">The same for the student's.</param>
/// <param name="TeacherBytesBeyond">
/// How many bytes of text are beyond the limit. They are lost if long documents are cut, and go into further parts if these are split.
/// </param>
/// <param name="StudentBytesBeyond">The same for the student's tokenizer.</param>
public sealed record LimitRow(int Tokens, long TeacherOver, long StudentOver, long TeacherBytesBeyond, long StudentBytesBeyond);
