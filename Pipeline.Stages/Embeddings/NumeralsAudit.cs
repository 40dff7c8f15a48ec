using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Compares how two vocabularies write numbers, by how many tokens are runs of one, two, three, and more digits. Where they differ, the averages that
/// new embeddings begin with say little about digits, and arithmetic suffers first.
/// </summary>
/// <param name="Source">[4] the counts of the old vocabulary.</param>
/// <param name="Target">[4] the counts of the new one.</param>
internal sealed record NumeralsAudit(IReadOnlyList<int> Source, IReadOnlyList<int> Target)
{
    private const int Classes = 4;

    /// <summary>Whether one vocabulary has runs of a length that the other lacks.</summary>
    public bool Differ => Source.Zip(Target).Any(p => p.First == 0 != (p.Second == 0));

    public static NumeralsAudit Of(TextTokenizer source, TextTokenizer target) => new(Count(source), Count(target));

    /// <summary>One sentence for the user.</summary>
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
