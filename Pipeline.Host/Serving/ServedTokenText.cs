using System.Text;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Serving;

/// <summary>Tokens as text, as OpenAI's log-probabilities name them.</summary>
internal static class ServedTokenText
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Its text; <c>bytes:\xe2\x80</c> where it is part of a character.</summary>
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
