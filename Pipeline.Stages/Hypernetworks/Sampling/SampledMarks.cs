using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Hypernetworks.Sampling;

/// <summary>The source's bos, eos and pad, by name: what a sampled tokenizer has besides its pieces.</summary>
internal sealed record SampledMarks(string? Bos, string? Eos, string? Pad)
{
    public IReadOnlyList<string> All => [.. new[] { Bos, Eos, Pad }.OfType<string>().Distinct(StringComparer.Ordinal)];

    public static SampledMarks Of(TextTokenizer source)
    {
        string? Name(int? id) => id is { } known ? source.TokenOf(known) : null;
        return new SampledMarks(Name(source.BosId), Name(source.EosId), Name(source.PadId));
    }
}
