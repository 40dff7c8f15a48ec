namespace Pipeline.Stages.Batching;

/// <summary>
/// Random draws as a pure function of a key and a counter (the SplitMix64 finaliser of Steele, Lea and Flood, 2014), so that they are the
/// same on every framework version and need no state in a checkpoint.
/// </summary>
public static class CounterRandom
{
    /// <summary>Two numbers to one, so that neighbouring keys give unrelated streams.</summary>
    public static ulong Mix(ulong key, ulong counter)
    {
        ulong z = key + (counter + 1) * 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    /// <summary>A draw below <paramref name="bound"/>; the bias of at most bound / 2^64 is far below anything seen here.</summary>
    public static int Below(ulong key, ulong counter, int bound) => (int)Math.BigMul(Mix(key, counter), (ulong)bound, out _);

    /// <summary>Fisher-Yates in place.</summary>
    public static void Shuffle<T>(Span<T> items, ulong key)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Below(key, (ulong)i, i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
