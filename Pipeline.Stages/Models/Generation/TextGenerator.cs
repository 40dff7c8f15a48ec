using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Models.Generation;

/// <summary>Streams text: holds back what a later token may still change, or what may be the beginning of a stop string.</summary>
/// <param name="generator">Makes the ids.</param>
/// <param name="decode">Text of all new ids of one prompt; an unfinished character at its end as U+FFFD.</param>
/// <param name="options">Stop strings.</param>
public sealed class TextGenerator(TokenGenerator generator, Func<IReadOnlyList<int>, string> decode, GenerationOptions options)
{
    private const char Unfinished = '\uFFFD';

    public IEnumerable<TextPiece> Run(IReadOnlyList<IReadOnlyList<int>> prompts, IReadOnlySet<int> endIds, int validRows = 0)
    {
        if (options.StopStrings.Contains(""))
            throw new DefinitionException("stopStrings: an empty stop string would end every text before it begins; leave it out");
        List<int>[] ids = [.. prompts.Select(_ => new List<int>())];
        int[] given = new int[prompts.Count];
        bool[] stopped = new bool[prompts.Count];
        foreach (GeneratedToken token in generator.Run(prompts, endIds, validRows, prompt => stopped[prompt]))
        {
            int prompt = token.Prompt;
            if (!endIds.Contains(token.Id))
                ids[prompt].Add(token.Id);
            string text = decode(ids[prompt]);
            int stop = FirstStop(text);
            bool ends = token.Ends || stop >= 0;
            stopped[prompt] = ends;
            int certain = Math.Max(given[prompt], stop >= 0 ? stop : ends ? text.Length : Certain(text));
            if (certain > given[prompt] || ends)
                yield return new TextPiece(prompt, text[given[prompt]..certain], ends);
            given[prompt] = certain;
        }
    }

    private int FirstStop(string text)
    {
        int first = -1;
        foreach (string stop in options.StopStrings)
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
        foreach (string stop in options.StopStrings)
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
