namespace Pipeline.Stages.Tokenization;

/// <summary>
/// The bytes of a document's tokens are not the bytes of its text, so nothing can be aligned on them: the document is to be rejected
/// with this reason.
/// </summary>
internal sealed class ByteViewException(string message) : Exception(message)
{
    /// <summary>The fixed phrase that rejects are counted by.</summary>
    public const string Reason = "byte views differ from the text";
}
