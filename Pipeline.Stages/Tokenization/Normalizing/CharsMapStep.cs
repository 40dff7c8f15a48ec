using System.Globalization;
using System.Text;
using Pipeline.Stages.Tokenization.Splitting;

namespace Pipeline.Stages.Tokenization.Normalizing;

/// <summary>
/// The normalizer Precompiled. A user-perceived character of fewer than six bytes is looked up as a whole. If it is longer, or not in the map, its code
/// points are looked up one by one.
/// </summary>
internal sealed class CharsMapStep : NormalizerStep
{
    private readonly CharsMap _map;
    private readonly string?[] _ascii = new string?[128];
    private readonly bool _plainAscii;

    public CharsMapStep(CharsMap map)
    {
        _map = map;
        for (int c = 0; c < 128; c++)
            _ascii[c] = map.Find([(byte)c]);
        // Most maps change nothing from space to tilde. Text of these characters then needs no look-up.
        _plainAscii = Enumerable.Range(' ', '~' - ' ' + 1).All(c => _ascii[c] is null || _ascii[c] == ((char)c).ToString());
    }

    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        ReadOnlySpan<char> text = segment.Characters;
        if (_plainAscii && !text.ContainsAnyExceptInRange(' ', '~'))
            return;
        Span<byte> utf8 = stackalloc byte[8];
        segment.BeginRewrite();
        bool first = true;
        while (!text.IsEmpty)
        {
            int width = StringInfo.GetNextTextElementLength(text);
            ReadOnlySpan<char> cluster = text[..width];
            int before = segment.RewriteLength;
            // More than five UTF-16 units always have more than five bytes.
            if (width <= 5 && Encoding.UTF8.TryGetBytes(cluster, utf8, out int bytes) && bytes < 6 && _map.Find(utf8[..bytes]) is { } whole)
                segment.Rewrite(whole);
            else
                RewriteEach(cluster, segment, utf8);
            if (first && segment.RewriteLength == before)
                segment.AtStart = false;
            else
                first = false;
            text = text[width..];
        }
        segment.EndRewrite();
    }

    private void RewriteEach(ReadOnlySpan<char> cluster, SegmentText segment, Span<byte> utf8)
    {
        Span<char> units = stackalloc char[2];
        foreach (Rune rune in cluster.EnumerateRunes())
        {
            if (_map.Find(utf8[..rune.EncodeToUtf8(utf8)]) is { } part)
                segment.Rewrite(part);
            else
                segment.Rewrite(units[..rune.EncodeToUtf16(units)]);
        }
    }
}
