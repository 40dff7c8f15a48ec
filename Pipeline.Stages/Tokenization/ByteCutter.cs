using System.Text;
using System.Text.Unicode;
using Pipeline.Stages.Tokenization.Reading;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization;

/// <summary>
/// Cuts the exact bytes of a token with a tokenizer's model alone: no normalizer, no pre-tokenizer, no inserted space, no added tokens. A
/// byte-level model takes any bytes, parts of characters included. Other models take characters. If the bytes are not UTF-8, as few as possible are
/// split off at the two ends, rather in front than behind, and each of those is cut alone. For one worker.
/// </summary>
internal sealed class ByteCutter(TokenizerDefinition definition)
{
    private readonly TokenModel _model = definition.Model;
    private readonly ITokenCutter _cutter = definition.Model.CreateCutter();

    /// <summary>Appends the ids of the bytes. A byte b that no token spells becomes ~b, a negative number.</summary>
    public void Cut(ReadOnlySpan<byte> bytes, List<int> ids)
    {
        if (bytes.IsEmpty)
            return;
        if (definition.IsByteLevel)
        {
            _cutter.Cut(ByteAlphabet.Text(bytes), static (unit, into) => into.Add(~ByteAlphabet.Byte(unit[0])), ids);
            return;
        }
        (int front, int back) = Trim(bytes);
        foreach (byte value in bytes[..front])
            ids.Add(Single(value));
        if (front + back < bytes.Length)
            _cutter.Cut(Spelt(Encoding.UTF8.GetString(bytes[front..^back])), AddBytes, ids);
        foreach (byte value in bytes[^back..])
            ids.Add(Single(value));
    }

    /// <summary>How many bytes must be removed in front and at the end so that the rest is UTF-8.</summary>
    internal static (int Front, int Back) Trim(ReadOnlySpan<byte> bytes)
    {
        for (int off = 0; off < bytes.Length; off++)
        {
            for (int back = 0; back <= off; back++)
            {
                if (Utf8.IsValid(bytes[(off - back)..^back]))
                    return (off - back, back);
            }
        }
        return (bytes.Length, 0);
    }

    private string Spelt(string text) => definition.Space is { } space ? text.Replace(' ', space) : text;

    private int Single(byte value) => _model.FallbackBytes[value] is var id && id >= 0 ? id : ~value;

    private void AddBytes(string character, List<int> ids)
    {
        foreach (byte value in Encoding.UTF8.GetBytes(definition.Space is { } space ? character.Replace(space, ' ') : character))
            ids.Add(Single(value));
    }
}
