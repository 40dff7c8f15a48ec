namespace Pipeline.Contracts.Records;

/// <summary>A prompt with one continuation that shows a behaviour and one that shows its opposite.</summary>
/// <param name="Prompt">Text, or a conversation that the assistant should continue.</param>
/// <param name="Positive">What should follow the prompt.</param>
/// <param name="Negative">What should not.</param>
/// <param name="Base">What the model would say by itself; null if the source has no such column.</param>
public sealed record Demonstration(TextDocument Prompt, string Positive, string Negative, string? Base = null) : IRecord
{
    public DocumentId Id => Prompt.Id;

    DocumentId? IRecord.Id => Id;

    public long Weight => Prompt.Weight + RecordWeight.Of(Positive) + RecordWeight.Of(Negative) + RecordWeight.Of(Base);
}
