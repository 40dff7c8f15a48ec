using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// How two vocabularies write numbers: how many tokens are runs of one, two, three and more digits. Where the schemes differ, the means and
/// combinations that new rows begin from say little about digits, and arithmetic suffers first.
/// </summary>
internal sealed record NumeralsAudit(IReadOnlyList<int> Source, IReadOnlyList<int> Target)
{
    private const int Classes = 4;

    /// <summary>Whether one side has runs of a length that the other has not.</summary>
    public bool Differ => Source.Zip(Target).Any(p => p.First == 0 != (p.Second == 0));

    public static NumeralsAudit Of(TextTokenizer source, TextTokenizer target) => new(Count(source), Count(target));

    /// <summary>One sentence for people.</summary>
    public string Describe() => Differ
        ? $"the vocabularies write numbers differently: tokens of 1, 2, 3 and more digits are {string.Join(", ", Source)} in the old vocabulary and {string.Join(", ", Target)} in the new one; check arithmetic first"
        : "both vocabularies write numbers in runs of the same lengths";

    private static int[] Count(TextTokenizer tokenizer)
    {
        var counts = new int[Classes];
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            ReadOnlySpan<byte> bytes = tokenizer.ByteView(id);
            bytes = bytes.StartsWith(" "u8) ? bytes[1..] : bytes;
            if (bytes.Length > 0 && !tokenizer.IsMark(id) && !bytes.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
                counts[Math.Min(bytes.Length, Classes) - 1]++;
        }
        return counts;
    }
}
