namespace Pipeline.Stages.Choices;

/// <summary>Why a question cannot be used; a fixed phrase, and the particulars.</summary>
internal sealed class ChoiceReject(string reason, string message) : Exception(message)
{
    public string Reason { get; } = reason;
}
