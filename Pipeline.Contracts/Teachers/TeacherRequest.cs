using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Teachers;

/// <summary>Rows to be scored together, and what is wanted besides the two numbers per token.</summary>
public sealed record TeacherRequest(IReadOnlyList<TeacherQuestion> Rows)
{
    /// <summary>Which hidden states are wanted: 0 is the embedding output, -1 the last after the final norm. Empty: none.</summary>
    public IReadOnlyList<int> HiddenLayers { get; init; } = [];

    /// <summary>Next bytes that are wanted; null: none.</summary>
    public NextBytesAsked? Bytes { get; init; }
}

/// <summary>One row.</summary>
/// <param name="Ids">Tokens of the teacher's tokenizer, the bos token included where documents begin with one; at least one.</param>
public sealed record TeacherQuestion(int[] Ids)
{
    /// <summary>Indices of the tokens at which hidden states are wanted, where the request asks for any.</summary>
    public int[] HiddenAt { get; init; } = [];

    /// <summary>The document these tokens are from, for messages; null if unknown.</summary>
    public DocumentId? Document { get; init; }

    /// <summary>The same tokens with the bytes they spell, if the request asks for next bytes.</summary>
    public TokenSequence? Tokens { get; init; }
}
