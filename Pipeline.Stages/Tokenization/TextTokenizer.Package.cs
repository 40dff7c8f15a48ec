using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Pipeline.Stages.Tokenization;

/// <summary>
/// The members of Microsoft.ML.Tokenizers.Tokenizer, so that this tokenizer can be used wherever one of that library is expected. They add no special
/// tokens. The normalizer and the pre-tokenizer are part of the model and always run, whatever the settings say.
/// </summary>
public sealed partial class TextTokenizer : Tokenizer
{
    private readonly ConcurrentBag<TextEncoder> _encoders = [];

    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids) => Decode([.. ids], skipSpecialTokens: false);

    /// <inheritdoc/>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        int[] all = [.. ids];
        string text = Decode(all, skipSpecialTokens: false);
        if (!text.TryCopyTo(destination))
        {
            (idsConsumed, charsWritten) = (0, 0);
            return OperationStatus.DestinationTooSmall;
        }
        (idsConsumed, charsWritten) = (all.Length, text.Length);
        return OperationStatus.Done;
    }

    /// <inheritdoc/>
    protected override EncodeResults<int> EncodeToIds(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        ReadOnlySpan<char> whole = text is null ? textSpan : text;
        List<int> ids = EncodePlain(whole);
        int taken = Math.Min(ids.Count, settings.MaxTokenCount);
        int consumed = taken == ids.Count ? whole.Length : CharacterEnds(whole, ids)[taken];
        return new EncodeResults<int> { Tokens = ids.GetRange(0, taken), CharsConsumed = consumed };
    }

    /// <inheritdoc/>
    protected override int CountTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
        => Math.Min(EncodePlain(text is null ? textSpan : text).Count, settings.MaxTokenCount);

    /// <summary>
    /// The tokens with their places in the text. Where a normalizer changed the text, the bytes of the tokens are not those of the text, and the places
    /// are only approximate.
    /// </summary>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        ReadOnlySpan<char> whole = text is null ? textSpan : text;
        List<int> ids = EncodePlain(whole);
        int[] ends = CharacterEnds(whole, ids);
        int taken = Math.Min(ids.Count, settings.MaxTokenCount);
        var tokens = new EncodedToken[taken];
        for (int i = 0; i < taken; i++)
            tokens[i] = new EncodedToken(ids[i], TokenOf(ids[i])!, new Range(ends[i], ends[i + 1]));
        return new EncodeResults<EncodedToken> { Tokens = tokens, CharsConsumed = taken == ids.Count ? whole.Length : ends[taken] };
    }

    /// <summary>The ids of a text without special tokens around it. Safe on any thread: it takes an encoder from a pool.</summary>
    internal List<int> EncodePlain(ReadOnlySpan<char> text)
    {
        if (!_encoders.TryTake(out TextEncoder? encoder))
            encoder = CreateEncoder();
        var ids = new List<int>();
        encoder.Encode(text, addSpecialTokens: false, ids);
        _encoders.Add(encoder);
        return ids;
    }

    /// <summary>[ids + 1] before each token, and at the end, the number of UTF-16 units that the bytes of the tokens so far cover completely.</summary>
    private int[] CharacterEnds(ReadOnlySpan<char> text, List<int> ids)
    {
        var ends = new int[ids.Count + 1];
        int unit = 0;
        long bytes = 0;
        long covered = 0;
        bool first = true;
        for (int i = 0; i < ids.Count; i++)
        {
            ReadOnlySpan<byte> view = ByteView(ids[i]);
            // A space that the tokenizer inserted in front of the text is not a character of the text.
            bool dummy = first && view.Length > 0 && view[0] == ' ' && (text.IsEmpty || text[0] != ' ');
            first = false;
            bytes += dummy ? view.Length - 1 : view.Length;
            while (unit < text.Length)
            {
                Rune.DecodeFromUtf16(text[unit..], out Rune rune, out int width);
                if (covered + rune.Utf8SequenceLength > bytes)
                    break;
                covered += rune.Utf8SequenceLength;
                unit += width;
            }
            ends[i + 1] = unit;
        }
        return ends;
    }
}
