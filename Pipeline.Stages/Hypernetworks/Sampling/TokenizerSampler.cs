using Pipeline.Stages.Batching;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Training;
using Pipeline.Stages.Tokenization.Writing;

namespace Pipeline.Stages.Hypernetworks.Sampling;

/// <summary>The kind of a step's tokenizer.</summary>
internal enum SampledKind
{
    Unigram,
    Bpe,
    Bytes,
    Source,
    Known,
}

/// <summary>A step's tokenizer and its kind.</summary>
internal sealed record SampledTokenizer(TextTokenizer Tokenizer, SampledKind Kind);

/// <summary>
/// Draws the tokenizer of each step. It depends only on the seed, the step and the texts, so that a resumed run draws the same ones. Texts are drawn
/// from the pool with repetition. The counts of earlier steps are kept, and computed again if they are missing. For one thread at a time.
/// </summary>
/// <param name="options">Which tokenizers are drawn, and how often.</param>
/// <param name="seed">The seed of the run.</param>
/// <param name="source">The model's own tokenizer. Every tokenizer that is made here has its bos, eos and pad.</param>
/// <param name="known">Tokenizers that are mixed in as they are.</param>
/// <param name="pool">Well-formed texts.</param>
internal sealed class TokenizerSampler(SamplingOptions options, long seed, TextTokenizer source, IReadOnlyList<TextTokenizer> known, IReadOnlyList<string> pool)
{
    private readonly Dictionary<long, Dictionary<string, long>> _counts = [];
    private readonly SampledMarks _marks = SampledMarks.Of(source);
    private TextTokenizer? _bytes;

    /// <summary>The tokenizer of a step.</summary>
    public SampledTokenizer At(long step)
    {
        var random = new CounterRandom(CounterRandom.Key(seed, step, 1));
        double share = random.Unit();
        if (known.Count > 0 && Take(ref share, options.KnownShare))
            return new SampledTokenizer(known[random.Below(known.Count)], SampledKind.Known);
        if (Take(ref share, options.Source))
            return new SampledTokenizer(source, SampledKind.Source);
        if (Take(ref share, options.Bytes))
            return new SampledTokenizer(_bytes ??= TextTokenizer.Bytes(_marks.All, _marks.Bos, _marks.Eos, _marks.Pad), SampledKind.Bytes);
        int size = Size(ref random);
        return Take(ref share, options.Bpe)
            ? new SampledTokenizer(Bpe(step, size, ref random), SampledKind.Bpe)
            : new SampledTokenizer(Unigram(step, size, ref random), SampledKind.Unigram);
    }

    // A single draw in [0, 1) decides: each share is a section of this interval.
    private static bool Take(ref double draw, double share)
    {
        bool taken = draw >= 0 && draw < share;
        draw -= share;
        return taken;
    }

    private int Size(ref CounterRandom random)
    {
        int most = Math.Max(options.MinSize, options.MaxSize ?? 2 * source.VocabularySize);
        return (int)Math.Round(options.MinSize * Math.Pow((double)most / options.MinSize, random.Unit()));
    }

    private TextTokenizer Unigram(long step, int size, ref CounterRandom random)
    {
        Dictionary<string, long> scores = Scores(step);
        double deviation = Deviation(ref random);
        CounterRandom draws = random;
        List<(string Piece, float Score)> pieces = SampledVocabulary.Of(scores, size, options.MaxBytes, _ => deviation * draws.Normal());
        return TextTokenizer.FromJson($"sampled-{step}", UnigramWriter.Write(pieces, _marks.All, _marks.Bos, SubstringCounts.Pattern), ByteTokenizerWriter.Companions(_marks.Bos, _marks.Eos, _marks.Pad));
    }

    private TextTokenizer Bpe(long step, int size, ref CounterRandom random)
    {
        var words = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (string word in Texts(step).SelectMany(t => SubstringCounts.Pieces(" " + t)))
            words[word] = words.GetValueOrDefault(word) + 1;
        // The noise has the same size relative to the probabilities as for substrings. The trainer needs whole numbers as frequencies.
        double total = words.Values.Sum(), deviation = Deviation(ref random);
        var noisy = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach ((string word, long count) in words)
        {
            long frequency = (long)Math.Round(1e6 * (count / total + deviation * random.Normal()));
            if (frequency > 0)
                noisy[word] = frequency;
        }
        Vocabulary vocabulary = BpeTrainer.Train(noisy, Math.Max(256, size - _marks.All.Count), 1, null, CancellationToken.None);
        return TextTokenizer.FromJson(
            $"sampled-{step}", ByteTokenizerWriter.Write(vocabulary, _marks.All, _marks.Bos, SubstringCounts.Pattern, nfc: false), ByteTokenizerWriter.Companions(_marks.Bos, _marks.Eos, _marks.Pad));
    }

    private double Deviation(ref CounterRandom random)
        => options.Noise == 0 ? 0 : Math.Min(options.MaxNoise, Math.Exp(Math.Log(options.Noise) + options.NoiseSpread * random.Normal()));

    private Dictionary<string, long> Scores(long step)
    {
        foreach (long old in _counts.Keys.Where(s => s <= step - options.History || s > step).ToList())
            _counts.Remove(old);
        var sum = new Dictionary<string, long>(StringComparer.Ordinal);
        for (long s = step - options.History + 1; s <= step; s++)
        {
            if (!_counts.TryGetValue(s, out Dictionary<string, long>? counts))
                _counts[s] = counts = SubstringCounts.Of(Texts(s), options.MaxBytes, options.Stride);
            SubstringCounts.Add(counts, sum);
        }
        return sum;
    }

    private List<string> Texts(long step)
    {
        var random = new CounterRandom(CounterRandom.Key(seed, step, 2));
        var texts = new List<string>(options.Documents);
        for (int i = 0; i < options.Documents; i++)
            texts.Add(pool[random.Below(pool.Count)]);
        return texts;
    }
}
