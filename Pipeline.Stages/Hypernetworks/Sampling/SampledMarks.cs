using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Hypernetworks.Sampling;

/// <summary>The names of the source's bos, eos and pad, which a sampled tokenizer has in addition to its pieces.</summary>
internal sealed record SampledMarks(string? Bos, string? Eos, string? Pad)
{
    public IReadOnlyList<string> All => [.. new[] { Bos, Eos, Pad }.OfType<string>().Distinct(StringComparer.Ordinal)];

    public static SampledMarks Of(TextTokenizer source)
    {
        string? Name(int? id) => id is { } known ? source.TokenOf(known) : null;
        return new SampledMarks(Name(source.BosId), Name(source.EosId), Name(source.PadId));
    }
}
