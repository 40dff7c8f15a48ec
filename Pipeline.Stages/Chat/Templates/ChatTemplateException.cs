namespace Pipeline.Stages.Chat.Templates;

/// <summary>
/// A chat template holds something that is not implemented, or refuses the conversation it was given
/// (<see cref="IsRefusal"/>: the template's own <c>raise_exception</c>).
/// </summary>
internal sealed class ChatTemplateException(string message, bool isRefusal = false) : Exception(message)
{
    public bool IsRefusal { get; } = isRefusal;
}
