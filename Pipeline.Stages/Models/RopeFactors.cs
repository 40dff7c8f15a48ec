namespace Pipeline.Stages.Models;

/// <summary>LongRoPE's divisors of each frequency, for rows within the original context and for longer ones (Ding et al. 2024, arXiv 2402.13753).</summary>
public sealed record RopeFactors(IReadOnlyList<double> Short, IReadOnlyList<double> Long)
{
    public bool Equals(RopeFactors? other) => other is not null && Short.SequenceEqual(other.Short) && Long.SequenceEqual(other.Long);

    public override int GetHashCode() => HashCode.Combine(Short.Count, Short.Sum(), Long.Sum());
}
