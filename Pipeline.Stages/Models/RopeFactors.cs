namespace Pipeline.Stages.Models;

/// <summary>What LongRoPE divides each frequency by (Ding et al. 2024, arXiv 2402.13753). R dimensions of a head are rotated.</summary>
/// <param name="Short">[R/2] for rows within the original context.</param>
/// <param name="Long">[R/2] for longer rows.</param>
public sealed record RopeFactors(IReadOnlyList<double> Short, IReadOnlyList<double> Long)
{
    public bool Equals(RopeFactors? other) => other is not null && Short.SequenceEqual(other.Short) && Long.SequenceEqual(other.Long);

    public override int GetHashCode() => HashCode.Combine(Short.Count, Short.Sum(), Long.Sum());
}
