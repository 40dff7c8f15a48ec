using System.Text;

namespace Pipeline.Stages.Evaluation;

/// <summary>A window of text: what is judged, and the context before it.</summary>
/// <param name="Before">The context, which the model reads but which is not judged. Empty where windows do not overlap.</param>
/// <param name="Judged">The text that is judged.</param>
internal readonly record struct WindowText(string Before, string Judged)
{
    /// <summary>The length of the context in bytes of UTF-8.</summary>
    public int BytesBefore => Encoding.UTF8.GetByteCount(Before);

    /// <summary>What the model reads.</summary>
    public string Whole => Before + Judged;

    /// <summary>
    /// Cuts a text into pieces of at most <paramref name="stride"/> bytes. The context of a piece is as many whole pieces before it as fit into a window of
    /// <paramref name="windowBytes"/> with it. Every byte is judged once, whatever the tokenizer.
    /// </summary>
    public static List<WindowText> Cut(string text, int windowBytes, int stride)
    {
        List<Window> pieces = WindowCutter.Cut(text, stride);
        var windows = new List<WindowText>(pieces.Count);
        for (int i = 0, first = 0, bytes = 0; i < pieces.Count; i++)
        {
            bytes += pieces[i].Bytes;
            for (; bytes > windowBytes && first < i; first++)
                bytes -= pieces[first].Bytes;
            windows.Add(new WindowText(text[pieces[first].Start..pieces[i].Start], text.Substring(pieces[i].Start, pieces[i].Length)));
        }
        return windows;
    }
}
