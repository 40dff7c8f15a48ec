namespace Pipeline.Stages.Choices;

/// <summary>
/// Thrown for a row that cannot be used as a question. The reason is a fixed phrase, by which rejects are counted; the message has the details.
/// </summary>
internal sealed class ChoiceReject(string reason, string message) : Exception(message)
{
    public string Reason { get; } = reason;
}
