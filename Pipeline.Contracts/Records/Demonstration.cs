namespace Pipeline.Contracts.Records;

/// <summary>A prompt with one continuation that shows a behaviour and one that shows its opposite.</summary>
/// <param name="Prompt">A text, or a conversation that the assistant should continue.</param>
/// <param name="Positive">The continuation that shows the behaviour.</param>
/// <param name="Negative">The continuation that shows its opposite.</param>
/// <param name="Base">The continuation that the model would write by itself; null if the source has no column for it.</param>
public sealed record Demonstration(TextDocument Prompt, string Positive, string Negative, string? Base = null) : IRecord
{
    public DocumentId Id => Prompt.Id;

    DocumentId? IRecord.Id => Id;

    public long Weight => Prompt.Weight + RecordWeight.Of(Positive) + RecordWeight.Of(Negative) + RecordWeight.Of(Base);
}
