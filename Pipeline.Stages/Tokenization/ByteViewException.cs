namespace Pipeline.Stages.Tokenization;

/// <summary>
/// The bytes of a document's tokens are not the bytes of its text. Chunks cannot be found without them, so the document must be rejected with
/// <see cref="Reason"/>.
/// </summary>
internal sealed class ByteViewException(string message) : Exception(message)
{
    /// <summary>The reason under which such rejects are counted.</summary>
    public const string Reason = "byte views differ from the text";
}
