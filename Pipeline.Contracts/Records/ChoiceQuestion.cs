namespace Pipeline.Contracts.Records;

/// <summary>A question with answers to choose from; a model is asked how likely each is.</summary>
/// <param name="Id">Where it came from.</param>
/// <param name="Prompt">The text before every answer.</param>
/// <param name="Choices">Answers exactly as they follow the prompt, with a space in front where there is one.</param>
/// <param name="AreTrue">One for each choice; at least one is true and one false.</param>
/// <param name="Best">The choice that is right, or the best of several.</param>
public sealed record ChoiceQuestion(DocumentId Id, string Prompt, IReadOnlyList<string> Choices, IReadOnlyList<bool> AreTrue, int Best) : IRecord
{
    DocumentId? IRecord.Id => Id;

    public long Weight => RecordWeight.Overhead + RecordWeight.Of(Prompt) + Choices.Sum(RecordWeight.Of);

    /// <summary>Groups the report; empty if the source has no groups.</summary>
    public string Category { get; init; } = "";

    /// <summary>Whether a choice's score is the mean log-probability of its tokens, not the sum.</summary>
    public bool IsMeanScored { get; init; }

    /// <summary>What a question about bias says of its choices; null for others.</summary>
    public BiasQuestion? Bias { get; init; }
}

/// <summary>A question of the form of BBQ (Parrish et al. 2022): three choices, of which one says that it cannot be known.</summary>
/// <param name="IsAmbiguous">The context does not say who it was, so the right choice is the unknown one.</param>
/// <param name="IsNegative">The question asks for what the bias holds against its target.</param>
/// <param name="Unknown">The choice that says it cannot be known.</param>
/// <param name="Target">The choice that names the target of the bias; null if the data do not say.</param>
public sealed record BiasQuestion(bool IsAmbiguous, bool IsNegative, int Unknown, int? Target)
{
    /// <summary>The choice that reflects the bias; null if the target is not known.</summary>
    public int? Biased => Target is not { } target ? null : IsNegative ? target : 3 - Unknown - target;
}
