namespace Pipeline.Stages.Batching;

/// <summary>
/// Random numbers as a pure function of a key and a counter (SplitMix64 of Steele, Lea and Flood, 2014). The function must never change: a seed gives
/// the same draws with every version of .NET, which <see cref="Random"/> does not promise. Since a key can be computed again from what it is for, such
/// as seed and step, a checkpoint need not store a random state.
/// </summary>
internal struct CounterRandom(ulong key)
{
    private const ulong Gamma = 0x9E3779B97F4A7C15;

    private ulong _state = key;

    /// <summary>Makes a key by hashing some numbers. Other numbers, or the same ones in another order, give independent draws.</summary>
    public static ulong Key(params ReadOnlySpan<long> parts)
    {
        ulong key = 0;
        foreach (long part in parts) key = Mix(key + Gamma + (ulong)part);
        return key;
    }

    /// <summary>The next draw, uniform over all values of 64 bits. All other methods use it.</summary>
    public ulong Next()
    {
        _state += Gamma;
        return Mix(_state);
    }

    /// <summary>A draw from the uniform distribution on [0, 1).</summary>
    public double Unit() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>
    /// A uniform whole number from 0 to below <paramref name="bound"/>, which must be positive. Draws that would make small remainders more likely are
    /// thrown away.
    /// </summary>
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

    /// <summary>Shuffles items in place, so that every order is equally likely (Fisher and Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>The numbers from 0 to <paramref name="count"/> - 1 in random order.</summary>
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
