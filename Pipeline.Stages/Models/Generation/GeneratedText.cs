namespace Pipeline.Stages.Models.Generation;

/// <summary>The text of one prompt's new tokens as it grows: holds back what a later token may still change, or what may be the beginning of a stop string.</summary>
/// <param name="decode">Text of all new ids; an unfinished character at its end as U+FFFD.</param>
/// <param name="endIds">Ids that end it and are no text.</param>
/// <param name="stops">Text is cut before these.</param>
public sealed class GeneratedText(Func<IReadOnlyList<int>, string> decode, IReadOnlySet<int> endIds, IReadOnlyList<string> stops)
{
    private const char Unfinished = '\uFFFD';
    private readonly List<int> _ids = [];
    private int _given;

    /// <summary>Whether it ended at a stop string.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>What is certain now and was not before; all of it when it ends.</summary>
    /// <param name="id">The next token.</param>
    /// <param name="ends">Whether it is the last one.</param>
    public string Add(int id, bool ends)
    {
        if (!endIds.Contains(id))
            _ids.Add(id);
        return Grow(ends);
    }

    /// <summary>As <see cref="Add"/>, without a token: where there is text before the first one.</summary>
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
