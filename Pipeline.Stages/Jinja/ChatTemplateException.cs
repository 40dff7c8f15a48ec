namespace Pipeline.Stages.Jinja;

/// <summary>
/// A chat template cannot be rendered. Either it refuses the conversation by its own <c>raise_exception</c> (<see cref="IsRefusal"/>), or it has something
/// that is not implemented (<see cref="IsMissing"/>), or it fails on this conversation.
/// </summary>
internal sealed class ChatTemplateException(string message, bool isRefusal = false, bool isMissing = false) : Exception(message)
{
    public bool IsRefusal { get; } = isRefusal;

    public bool IsMissing { get; } = isMissing;

    public static ChatTemplateException Missing(string message) => new(message, isMissing: true);
}
