using System.Text;

namespace Pipeline.Stages.Evaluation;

/// <summary>A stretch of a text, in UTF-16 code units, and its length in bytes of UTF-8.</summary>
internal readonly record struct Window(int Start, int Length, int Bytes);

/// <summary>
/// The rule by which text is cut into windows before it is judged. A window has at most a given number of bytes of UTF-8. It ends before the last white
/// space that fits, or where there is none, after the last whole character. The rule looks only at the text, so that every model is judged on the same
/// windows, whatever its tokenizer.
/// </summary>
public static class WindowCutter
{
    /// <summary>The smallest window: a character can take four bytes in UTF-8, and must fit.</summary>
    public const int LeastWindowBytes = 4;

    /// <summary>Cuts a text into windows that follow each other without gaps.</summary>
    /// <param name="text">A well-formed text.</param>
    /// <param name="windowBytes">The longest window, at least <see cref="LeastWindowBytes"/>.</param>
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
