namespace Pipeline.Stages.Jinja;

/// <summary>
/// A chat template cannot be carried out: it refuses the conversation (<see cref="IsRefusal"/>: its own <c>raise_exception</c>), holds
/// something that is not implemented (<see cref="IsMissing"/>), or fails on this conversation.
/// </summary>
internal sealed class ChatTemplateException(string message, bool isRefusal = false, bool isMissing = false) : Exception(message)
{
    public bool IsRefusal { get; } = isRefusal;

    public bool IsMissing { get; } = isMissing;

    public static ChatTemplateException Missing(string message) => new(message, isMissing: true);
}
