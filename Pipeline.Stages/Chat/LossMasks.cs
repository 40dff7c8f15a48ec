using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Chat;

/// <summary>Turns spans of a document's bytes into masks over tokens, so that both sides count the same text.</summary>
internal static class LossMasks
{
    /// <summary>
    /// A text token counts when it lies inside a span; the eos counts when a span reaches the end of the text; other special tokens do not.
    /// </summary>
    /// <param name="spans">[start, end) in bytes, in order, apart from each other.</param>
    /// <param name="bytes">Length of the text in bytes.</param>
    public static bool[] Of(TokenSequence side, IReadOnlyList<(int Start, int End)> spans, int bytes)
    {
        bool[] mask = new bool[side.Count];
        int span = 0, start = 0;
        for (int i = 0; i < mask.Length; i++)
        {
            int end = side.ByteEnds[i];
            while (span < spans.Count && spans[span].End < end)
                span++;
            mask[i] = side.Unit(i) switch
            {
                UnitLabels.Text => span < spans.Count && start >= spans[span].Start && end <= spans[span].End,
                UnitLabels.Eos => spans.Count > 0 && spans[^1].End == bytes,
                _ => false,
            };
            start = end;
        }
        return mask;
    }
}
