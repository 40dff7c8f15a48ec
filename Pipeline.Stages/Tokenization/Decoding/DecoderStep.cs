using System.Globalization;
using System.Text;
using Pipeline.Stages.Tokenization.Patterns;
using Pipeline.Stages.Tokenization.Splitting;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Decoding;

/// <summary>A step on the way from tokens back to text. It turns a list of strings into another one; the last one is joined.</summary>
internal abstract class DecoderStep
{
    public abstract List<string> Apply(List<string> tokens);
}

/// <summary>Turns characters of the byte alphabet into bytes, and all bytes together into text.</summary>
internal sealed class ByteLevelDecoder : DecoderStep
{
    public override List<string> Apply(List<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (string token in tokens)
            bytes.AddRange(ByteAlphabet.Bytes(token) ?? Encoding.UTF8.GetBytes(token));
        return [Encoding.UTF8.GetString([.. bytes])];
    }
}

/// <summary>Turns each run of &lt;0xNN&gt; tokens into the text that its bytes spell, or, if they are not UTF-8, each token into U+FFFD.</summary>
internal sealed class ByteFallbackDecoder : DecoderStep
{
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    public override List<string> Apply(List<string> tokens)
    {
        var result = new List<string>(tokens.Count);
        var run = new List<byte>();
        foreach (string token in tokens)
        {
            if (ByteOf(token) is { } value)
            {
                run.Add(value);
                continue;
            }
            Flush(run, result);
            result.Add(token);
        }
        Flush(run, result);
        return result;
    }

    /// <summary>The byte that a &lt;0xNN&gt; token stands for, or null for another token.</summary>
    public static byte? ByteOf(string token)
        => token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)
            ? value
            : null;

    private static void Flush(List<byte> run, List<string> result)
    {
        if (run.Count == 0)
            return;
        byte[] bytes = [.. run];
        run.Clear();
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            result.Add(s_strict.GetString(bytes));
        else
            result.AddRange(Enumerable.Repeat("\uFFFD", bytes.Length));
    }
}

internal sealed class FuseDecoder : DecoderStep
{
    public override List<string> Apply(List<string> tokens) => [string.Concat(tokens)];
}

/// <summary>Removes one character from the ends of every token, up to a number of times at each end.</summary>
internal sealed class StripDecoder(char content, int start, int stop) : DecoderStep
{
    public override List<string> Apply(List<string> tokens) => tokens.ConvertAll(token =>
    {
        int from = 0;
        while (from < Math.Min(start, token.Length) && token[from] == content)
            from++;
        int to = token.Length;
        while (to > from && token.Length - to < stop && token[to - 1] == content)
            to--;
        return token[from..to];
    });
}

internal sealed class ReplaceDecoder(PatternMatcher matcher, string content) : DecoderStep
{
    public override List<string> Apply(List<string> tokens)
    {
        var scratch = new SplitScratch();
        return tokens.ConvertAll(token =>
        {
            var text = new StringBuilder();
            scratch.Match.Reset(token.Length);
            var matches = new MatchWalk(matcher, token, scratch);
            int before = 0;
            while (matches.Next(out int start, out int end))
            {
                text.Append(token, before, start - before).Append(content);
                before = end;
            }
            return before == 0 && text.Length == 0 ? token : text.Append(token, before, token.Length - before).ToString();
        });
    }
}

/// <summary>Turns the visible character into a space. In the first token it is removed, because it was put there.</summary>
internal sealed class MetaspaceDecoder(char replacement, PrependScheme scheme) : DecoderStep
{
    public override List<string> Apply(List<string> tokens)
    {
        var result = new List<string>(tokens.Count);
        foreach (string token in tokens)
        {
            result.Add(result.Count == 0 && scheme != PrependScheme.Never
                ? token.Replace(replacement.ToString(), "", StringComparison.Ordinal)
                : token.Replace(replacement, ' '));
        }
        return result;
    }
}

/// <summary>Turns the suffix that ends a word into a space. In the last token it is removed.</summary>
internal sealed class WordSuffixDecoder(string suffix) : DecoderStep
{
    public override List<string> Apply(List<string> tokens)
        => [.. tokens.Select((token, i) => suffix.Length == 0
            ? token
            : token.Replace(suffix, i == tokens.Count - 1 ? "" : " ", StringComparison.Ordinal))];
}
