using System.Text;
using System.Text.Unicode;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization;

/// <content>What initial embeddings need: the tokens of another vocabulary, cut by this one.</content>
public sealed partial class TextTokenizer
{
    private PieceEncoder? _pieces;

    /// <summary>Whether the token is one of byte fallback, such as <c>&lt;0x41&gt;</c>, which spells a single byte.</summary>
    public bool IsByteFallback(int id)
        => Definition.Model.ByteFallback && TokenOf(id) is { Length: 6 } token && Definition.Model.FallbackBytes.Contains(id) && token.StartsWith("<0x", StringComparison.Ordinal);

    /// <summary>
    /// The ids of a run of bytes by the model alone, without normalizer, pre-tokenizer or template. Bytes that are not UTF-8 become the tokens of the single
    /// bytes; those without a token are left out. Not safe for several threads at once.
    /// </summary>
    public IReadOnlyList<int> EncodeBytes(ReadOnlySpan<byte> bytes)
    {
        var ids = new List<int>();
        TokenModel model = Definition.Model;
        if (!Utf8.IsValid(bytes))
        {
            int[] single = model.OnBytes ? model.ByteSymbols : model.FallbackBytes;
            foreach (byte value in bytes)
            {
                if (single[value] >= 0) ids.Add(single[value]);
            }
            return ids;
        }
        string text = Encoding.UTF8.GetString(bytes);
        (_pieces ??= model.CreateEncoder()).Encode(model.OnBytes ? text : text.Replace(' ', '▁'), ids);
        return ids;
    }

    /// <summary>
    /// A cutter of exact bytes by the model alone, see <see cref="ByteCutter"/>. It belongs to one worker: it is not safe for several threads at once.
    /// </summary>
    internal ByteCutter CreateCutter() => new(Definition);
}
