using System.Text;
using Pipeline.Stages.Tokenization.Splitting;

namespace Pipeline.Stages.Tokenization.Normalizing;

/// <summary>The normalizer "Nmt": control characters go, and other white space and invisible characters become a space.</summary>
internal sealed class NmtStep : NormalizerStep
{
    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        if (!segment.Characters.ContainsAnyExceptInRange(' ', '~'))
            return;
        Span<char> units = stackalloc char[2];
        bool first = true;
        segment.BeginRewrite();
        foreach (Rune rune in segment.Characters.EnumerateRunes())
        {
            if (IsRemoved(rune.Value))
                segment.AtStart &= !first;
            else
                segment.Rewrite(IsSpace(rune.Value) ? " " : units[..rune.EncodeToUtf16(units)]);
            first = false;
        }
        segment.EndRewrite();
    }

    private static bool IsRemoved(int c) => c is (>= 0x01 and <= 0x08) or 0x0B or (>= 0x0E and <= 0x1F) or 0x7F or 0x8F or 0x9F;

    private static bool IsSpace(int c) => c is 0x09 or 0x0A or 0x0C or 0x0D or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD;
}
