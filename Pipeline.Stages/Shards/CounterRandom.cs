namespace Pipeline.Stages.Shards;

/// <summary>
/// Random draws as a function of a key and a counter (SplitMix64's finaliser over a Weyl sequence), fixed for good: the order of
/// training must not change with the runtime, as that of <see cref="Random"/> may.
/// </summary>
internal struct CounterRandom(ulong key)
{
    private const ulong Gamma = 0x9E3779B97F4A7C15;

    private ulong _state = key;

    /// <summary>A key for draws that no other combination of numbers shares.</summary>
    public static ulong Key(long seed, long epoch, long purpose)
        => Mix(Mix(Mix((ulong)seed + Gamma) + (ulong)epoch + Gamma) + (ulong)purpose + Gamma);

    /// <summary>Uniform in [0, <paramref name="bound"/>), without the bias of a remainder.</summary>
    public int Below(int bound)
    {
        ulong limit = ulong.MaxValue - (ulong.MaxValue % (ulong)bound);
        ulong value;
        do
        {
            _state += Gamma;
            value = Mix(_state);
        }
        while (value >= limit);
        return (int)(value % (ulong)bound);
    }

    /// <summary>The numbers from 0 to below <paramref name="count"/>, every order as likely as any other (Fisher and Yates).</summary>
    public int[] Permutation(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
