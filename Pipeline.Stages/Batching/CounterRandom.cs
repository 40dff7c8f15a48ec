namespace Pipeline.Stages.Batching;

/// <summary>
/// Random draws as a function of a key and a counter (SplitMix64 of Steele, Lea and Flood, 2014), fixed for good: what a seed means must
/// not change with the runtime, as it may for <see cref="Random"/>, and a checkpoint has no random state to keep.
/// </summary>
internal struct CounterRandom(ulong key)
{
    private const ulong Gamma = 0x9E3779B97F4A7C15;

    private ulong _state = key;

    /// <summary>A key for draws that no other combination of numbers shares.</summary>
    public static ulong Key(params ReadOnlySpan<long> parts)
    {
        ulong key = 0;
        foreach (long part in parts) key = Mix(key + Gamma + (ulong)part);
        return key;
    }

    /// <summary>Uniform over all 64 bits.</summary>
    public ulong Next()
    {
        _state += Gamma;
        return Mix(_state);
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double Unit() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [0, <paramref name="bound"/>), without the bias of a remainder.</summary>
    public int Below(int bound)
    {
        ulong limit = ulong.MaxValue - (ulong.MaxValue % (ulong)bound);
        ulong value = Next();
        while (value >= limit) value = Next();
        return (int)(value % (ulong)bound);
    }

    /// <summary>A draw from the standard normal distribution (Box and Muller).</summary>
    public double Normal()
    {
        double radius = Math.Sqrt(-2 * Math.Log(1 - Unit()));
        return radius * Math.Cos(2 * Math.PI * Unit());
    }

    /// <summary>Every order as likely as any other (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>The numbers from 0 to below <paramref name="count"/>, shuffled.</summary>
    public int[] Permutation(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        Shuffle(order.AsSpan());
        return order;
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
