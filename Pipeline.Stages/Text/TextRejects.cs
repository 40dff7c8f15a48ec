namespace Pipeline.Stages.Text;

/// <summary>The reasons for which sources reject rows. They are fixed phrases, because rejects are counted by reason.</summary>
public static class TextRejects
{
    public const string Null = "text is null";
    public const string Empty = "text is empty";
    public const string NotUtf8 = "text is not UTF-8";
    public const string TooLong = "text is longer than maxDocumentBytes";
    public const string NoMessages = "messages are null or empty";
    public const string IncompleteMessage = "a message has no role or no content";
    public const string ShareGpt = "a message has 'from' and 'value', not 'role' and 'content'";
    public const string NullContent = "a message's content is null";
    public const string NotTextContent = "a message's content is not text";
    public const string NotTextParts = "a message's content is a list of parts that are not all text";
    public const string NotCarried = "a field that the chat template cannot be given";
    public const string Blank = "line is blank";
    public const string LineTooLong = "line is longer than maxLineBytes";
    public const string NotJson = "line is not JSON";
    public const string NotAnObject = "line is not a JSON object";
    public const string NoField = "field is missing";
    public const string NotText = "field is not a string";
    public const string NotMessages = "field is not a list of messages";
    public const string NotUnicode = "text is not Unicode";
    public const string Conversation = "a conversation has no text of its own";
}
