using Pipeline.Contracts.Records;

namespace Pipeline.Contracts.Teachers;

/// <summary>Rows to be scored together, and what is wanted besides the two numbers for each token.</summary>
/// <param name="Rows">The rows. They may have different lengths.</param>
public sealed record TeacherRequest(IReadOnlyList<TeacherQuestion> Rows)
{
    /// <summary>
    /// The hidden states that are wanted: 0 is the output of the embedding, and negative numbers count from the end, so that -1 is the last one, after
    /// the final norm. Empty if none are wanted.
    /// </summary>
    public IReadOnlyList<int> HiddenLayers { get; init; } = [];

    /// <summary>The next bytes that are wanted; null if none are.</summary>
    public NextBytesAsked? Bytes { get; init; }
}

/// <summary>One row of a request.</summary>
/// <param name="Ids">
/// [n] The tokens, in the ids of the teacher's tokenizer and with the bos token where documents begin with one. There is at least one.
/// </param>
public sealed record TeacherQuestion(int[] Ids)
{
    /// <summary>The indices of the tokens at which hidden states are wanted, if the request asks for any.</summary>
    public int[] HiddenAt { get; init; } = [];

    /// <summary>The document that the tokens come from, for messages; null if it is unknown.</summary>
    public DocumentId? Document { get; init; }

    /// <summary>The same tokens together with their bytes. Needed if the request asks for next bytes; otherwise it may be null.</summary>
    public TokenSequence? Tokens { get; init; }
}
