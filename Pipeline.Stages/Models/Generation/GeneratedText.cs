namespace Pipeline.Stages.Models.Generation;

/// <summary>
/// The growing text of the tokens that are generated after one prompt. It holds back what a later token may still change, and what may be the beginning
/// of a stop string.
/// </summary>
/// <param name="decode">The text of all new ids. A character that is not complete yet is U+FFFD at its end.</param>
/// <param name="endIds">The ids that end the text. They are no text themselves.</param>
/// <param name="stops">The stop strings. The text is cut before the first of them.</param>
public sealed class GeneratedText(Func<IReadOnlyList<int>, string> decode, IReadOnlySet<int> endIds, IReadOnlyList<string> stops)
{
    private const char Unfinished = '\uFFFD';
    private readonly List<int> _ids = [];
    private int _given;

    /// <summary>Whether the text has reached a stop string.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Adds a token, and returns the text that has become certain with it. At the end, this is all that was held back.</summary>
    /// <param name="id">The next token.</param>
    /// <param name="ends">Whether it is the last one.</param>
    public string Add(int id, bool ends)
    {
        if (!endIds.Contains(id))
            _ids.Add(id);
        return Grow(ends);
    }

    /// <summary>Like <see cref="Add"/>, but without a token, for text that <c>decode</c> returns before the first one.</summary>
    public string Grow(bool ends)
    {
        string text = decode(_ids);
        int stop = FirstStop(text);
        IsStopped = stop >= 0;
        int certain = Math.Max(_given, stop >= 0 ? stop : ends ? text.Length : Certain(text));
        string piece = text[_given..certain];
        _given = certain;
        return piece;
    }

    private int FirstStop(string text)
    {
        int first = -1;
        foreach (string stop in stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (first < 0 || at < first))
                first = at;
        }

        return first;
    }

    private int Certain(string text)
    {
        int end = text.Length;
        while (end > 0 && text[end - 1] == Unfinished)
            end--;
        int certain = end;
        foreach (string stop in stops)
        {
            for (int length = Math.Min(stop.Length - 1, end); length > 0; length--)
            {
                if (text.AsSpan(0, end).EndsWith(stop.AsSpan(0, length), StringComparison.Ordinal))
                {
                    certain = Math.Min(certain, end - length);
                    break;
                }
            }
        }

        return certain > 0 && char.IsHighSurrogate(text[certain - 1]) ? certain - 1 : certain;
    }
}
