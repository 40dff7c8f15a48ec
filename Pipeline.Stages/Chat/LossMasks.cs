using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Chat;

/// <summary>Turns spans of a document's bytes into masks over tokens, so that the same text counts on both sides.</summary>
internal static class LossMasks
{
    /// <summary>
    /// A text token counts if it lies inside a span. The eos counts if the last span reaches the end of the text. Other special tokens do not count.
    /// </summary>
    /// <param name="side">The document's tokens on one side.</param>
    /// <param name="spans">[start, end) in bytes, in order and disjoint.</param>
    /// <param name="bytes">The length of the text in bytes. With -1 the eos never counts.</param>
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
