using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Hypernetworks.Sampling;

/// <summary>The distribution of the tokenizers that a hypernetwork is trained on. One is drawn for every step.</summary>
internal sealed record SamplingOptions
{
    [Description("Number of documents that a tokenizer is made from.")]
    [Range(1, 1 << 20)]
    public int Documents { get; init; } = 96;

    [Description("Number of steps whose documents are counted together: from one step to the next, one in that many of the documents changes.")]
    [Range(1, 1024)]
    public int History { get; init; } = 1;

    [Description("Text kept in memory from which those documents are drawn, in mebibytes. It is taken evenly from the shards.")]
    [Range(1, 65536)]
    public int PoolMebibytes { get; init; } = 16;

    [Description("Tokens in the smallest sampled vocabulary; sizes are drawn log-uniformly.")]
    [Range(300, 1 << 24)]
    public int MinSize { get; init; } = 320;

    [Description("Tokens in the largest sampled vocabulary. Absent: twice the source's.")]
    [Range(300, 1 << 24)]
    public int? MaxSize { get; init; }

    [Description("Bytes of the longest piece.")]
    [Range(2, 256)]
    public int MaxBytes { get; init; } = 15;

    [Description("Substrings of a word are counted from every n-th character on, with this n.")]
    [Range(1, 16)]
    public int Stride { get; init; } = 1;

    [Description("Median of the standard deviation of the noise on the pieces' probabilities; it is drawn log-normally for each tokenizer.")]
    [Range(0.0, 1.0)]
    public double Noise { get; init; } = 1e-5;

    [Description("Standard deviation of that noise's logarithm.")]
    [Range(0.0, 16.0)]
    public double NoiseSpread { get; init; } = 4;

    [Description("Upper limit of the noise's standard deviation.")]
    [Range(0.0, 1.0)]
    public double MaxNoise { get; init; } = 1e-2;

    [Description("Share of steps with the source's own tokenizer.")]
    [Range(0.0, 1.0)]
    public double Source { get; init; } = 0.2;

    [Description("Share of steps with a BPE tokenizer trained on noisy counts of the documents' words, instead of Unigram.")]
    [Range(0.0, 1.0)]
    public double Bpe { get; init; } = 0.1;

    [Description("Share of steps with one token per byte.")]
    [Range(0.0, 1.0)]
    public double Bytes { get; init; } = 0.05;

    [Description("Known tokenizers (folders or tokenizer.json files), each equally likely.")]
    public IReadOnlyList<string> Known { get; init; } = [];

    [Description("Share of steps with one of the known tokenizers, if there are any.")]
    [Range(0.0, 1.0)]
    public double KnownShare { get; init; } = 0.5;
}
