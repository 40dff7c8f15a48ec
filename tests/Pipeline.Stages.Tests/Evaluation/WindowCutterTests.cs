using System.Text;
using CsCheck;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Stages.Tests.Evaluation;

public sealed class WindowCutterTests
{
    private static readonly string[] Pieces = ["a", "bc", "é", "漢", "😀", "\u0301", " ", "\n", "\u3000", "  "];

    private static readonly Gen<string> Texts = Gen.OneOf(
        Gen.Int[0, 5].Select(i => Pieces[i]), Gen.Int[6, 9].Select(i => Pieces[i])).List[0, 200].Select(string.Concat);

    [Fact]
    public void Windows_put_together_are_the_text_and_none_is_too_long()
        => Gen.Select(Texts, Gen.Int[4, 64]).Sample((text, limit) =>
        {
            List<Window> windows = WindowCutter.Cut(text, limit);
            int at = 0;
            foreach (Window window in windows)
            {
                string piece = text.Substring(window.Start, window.Length);
                if (window.Start != at || window.Length == 0 || window.Bytes != Encoding.UTF8.GetByteCount(piece) || window.Bytes > limit)
                    return false;
                at += window.Length;
            }
            return at == text.Length;
        });

    [Fact]
    public void A_window_ends_before_the_last_white_space_that_fits()
        => Gen.Select(Texts, Gen.Int[4, 64]).Sample((text, limit) =>
        {
            foreach (Window window in WindowCutter.Cut(text, limit))
            {
                int end = window.Start + window.Length;
                if (end == text.Length)
                    continue;
                // The obvious twin: try every end, keep the last that is allowed.
                int best = -1, last = -1;
                for (int candidate = window.Start + 1; candidate <= text.Length; candidate++)
                {
                    bool isInside = candidate < text.Length && char.IsLowSurrogate(text[candidate]);
                    if (isInside || Encoding.UTF8.GetByteCount(text.AsSpan(window.Start, candidate - window.Start)) > limit)
                        continue;
                    last = candidate;
                    if (candidate < text.Length && char.IsWhiteSpace(text[candidate]))
                        best = candidate;
                }
                if (end != (best > 0 ? best : last))
                    return false;
            }
            return true;
        });

    [Theory]
    [InlineData("one two three", 8, "one two| three")]
    [InlineData("one two three", 7, "one two| three")]
    [InlineData("one two three", 6, "one| two|" + " three")]
    [InlineData("abcdefghij", 4, "abcd|efgh|ij")]
    [InlineData("😀😀", 7, "😀|😀")]
    [InlineData("", 4, "")]
    public void Examples(string text, int limit, string expected)
        => Assert.Equal(expected, string.Join('|', WindowCutter.Cut(text, limit).Select(w => text.Substring(w.Start, w.Length))));

    [Fact]
    public void Half_a_surrogate_pair_is_a_defect_of_the_caller()
        => Assert.Throws<ArgumentException>(() => WindowCutter.Cut("ab\ud83d", 8));
}
