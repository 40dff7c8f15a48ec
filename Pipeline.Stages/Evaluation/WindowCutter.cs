using System.Text;

namespace Pipeline.Stages.Evaluation;

/// <summary>A run of characters of a text, and its length as UTF-8.</summary>
internal readonly record struct Window(int Start, int Length, int Bytes);

/// <summary>
/// The one rule by which text is cut before it is judged: windows of at most a given number of UTF-8 bytes, each ending before the last white
/// space that fits, or where there is none, at the last whole character. The rule looks at text alone, so every model is judged on the
/// same windows whatever its tokenizer is.
/// </summary>
public static class WindowCutter
{
    /// <summary>The longest character of UTF-8 has four bytes: a smaller window might hold none.</summary>
    public const int LeastWindowBytes = 4;

    /// <param name="text">Well-formed.</param>
    /// <param name="windowBytes">At least <see cref="LeastWindowBytes"/>.</param>
    internal static List<Window> Cut(string text, int windowBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(windowBytes, LeastWindowBytes);
        var windows = new List<Window>();
        for (int start = 0; start < text.Length;)
        {
            Window window = Next(text, start, windowBytes);
            windows.Add(window);
            start += window.Length;
        }
        return windows;
    }

    private static Window Next(string text, int start, int windowBytes)
    {
        int at = start, bytes = 0;
        (int At, int Bytes) space = (-1, 0);
        while (at < text.Length)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out int units) != System.Buffers.OperationStatus.Done)
                throw new ArgumentException($"half a surrogate pair at {at}; make the text well-formed first", nameof(text));
            if (at > start && Rune.IsWhiteSpace(rune))
                space = (at, bytes);
            if (bytes + rune.Utf8SequenceLength > windowBytes)
                return space.At > 0 ? new Window(start, space.At - start, space.Bytes) : new Window(start, at - start, bytes);
            at += units;
            bytes += rune.Utf8SequenceLength;
        }
        return new Window(start, at - start, bytes);
    }
}
