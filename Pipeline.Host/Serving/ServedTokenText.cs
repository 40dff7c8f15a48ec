using System.Text;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Serving;

/// <summary>Names tokens by their text, as OpenAI's lists of log-probabilities do.</summary>
internal static class ServedTokenText
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The text of a token. Where its bytes are not whole characters, it is written as <c>bytes:\xe2\x80</c>.</summary>
    public static string Of(TextTokenizer tokenizer, int id)
    {
        byte[] bytes = tokenizer.ByteView(id).ToArray();
        if (bytes.Length == 0)
            return tokenizer.TokenOf(id) ?? "";
        try
        {
            return Strict.GetString(bytes);
        }
        catch (ArgumentException)
        {
            return "bytes:" + string.Concat(bytes.Select(b => $"\\x{b:x2}"));
        }
    }
}
