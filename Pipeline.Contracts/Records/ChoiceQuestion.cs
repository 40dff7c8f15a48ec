namespace Pipeline.Contracts.Records;

/// <summary>A multiple-choice question. A model answers it by how likely it finds each choice.</summary>
/// <param name="Id">Where it comes from.</param>
/// <param name="Prompt">The text before every choice.</param>
/// <param name="Choices">The choices exactly as they follow the prompt, including a space in front where there is one.</param>
/// <param name="AreTrue">For each choice whether it is true. At least one is, and at least one is not.</param>
/// <param name="Best">The index of the right choice, or of the best among several.</param>
public sealed record ChoiceQuestion(DocumentId Id, string Prompt, IReadOnlyList<string> Choices, IReadOnlyList<bool> AreTrue, int Best) : IRecord
{
    DocumentId? IRecord.Id => Id;

    public long Weight => RecordWeight.Overhead + RecordWeight.Of(Prompt) + Choices.Sum(RecordWeight.Of);

    /// <summary>The group that the report counts the question in; empty if the source has no groups.</summary>
    public string Category { get; init; } = "";

    /// <summary>Whether a choice's score is the mean of the log-probabilities of its tokens and not their sum.</summary>
    public bool IsMeanScored { get; init; }

    /// <summary>For a question about bias: what its choices stand for; otherwise null.</summary>
    public BiasQuestion? Bias { get; init; }
}

/// <summary>
/// What the choices of a question in the form of BBQ stand for (Parrish et al. 2022). There are three choices, one of which says that the answer cannot
/// be known.
/// </summary>
/// <param name="IsAmbiguous">Whether the context leaves the answer open, so that the right choice is the unknown one.</param>
/// <param name="IsNegative">Whether the question asks for what the bias holds against its target.</param>
/// <param name="Unknown">The index of the choice which says that the answer cannot be known.</param>
/// <param name="Target">The index of the choice that names the target of the bias; null if the data do not say.</param>
public sealed record BiasQuestion(bool IsAmbiguous, bool IsNegative, int Unknown, int? Target)
{
    /// <summary>
    /// The index of the choice that reflects the bias: the target in a negative question, and the other person in one that is not. Null if the target
    /// is not known.
    /// </summary>
    public int? Biased => Target is not { } target ? null : IsNegative ? target : 3 - Unknown - target;
}
