namespace Pipeline.Stages.Text.Problems;

/// <summary>
/// Random draws that are a pure function of a key and a counter (SplitMix64), so that document 1,000 is the same whether or not the
/// 999 before it were made.
/// </summary>
internal sealed class Draw(ulong key)
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    private ulong _counter;

    public static ulong Key(params ReadOnlySpan<ulong> parts)
    {
        ulong key = 0;
        foreach (ulong part in parts)
            key = Mix(key + Step + part);
        return key;
    }

    /// <summary>A whole number in [least, most].</summary>
    public int Number(int least, int most)
    {
        ulong range = (ulong)(most - least) + 1;
        return least + (int)(((UInt128)Next() * range) >> 64);
    }

    /// <summary>True once in <paramref name="n"/> times.</summary>
    public bool OneIn(int n) => Number(1, n) == 1;

    public T Pick<T>(params ReadOnlySpan<T> from) => from[Number(0, from.Length - 1)];

    private ulong Next() => Mix(key + (Step * ++_counter));

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
