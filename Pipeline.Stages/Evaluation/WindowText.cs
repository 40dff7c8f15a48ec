using System.Text;

namespace Pipeline.Stages.Evaluation;

/// <summary>What is judged at a time, and the text before it that is read with it.</summary>
/// <param name="Before">Context, which has no score; empty where windows do not overlap.</param>
/// <param name="Judged">The text whose bytes are scored.</param>
internal readonly record struct WindowText(string Before, string Judged)
{
    public int BytesBefore => Encoding.UTF8.GetByteCount(Before);

    /// <summary>What a model reads.</summary>
    public string Whole => Before + Judged;

    /// <summary>
    /// Cuts text into pieces of at most <paramref name="stride"/> bytes, each with as many whole pieces before it as fit into a window of
    /// <paramref name="windowBytes"/>. Every byte is judged once, whatever the tokenizer.
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
