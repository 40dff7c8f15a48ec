using Pipeline.Stages.Batching;

namespace Pipeline.Stages.Text.Problems;

/// <summary>
/// The random choices of one document. They depend on its key alone, so that document 1,000 is the same whether or not the 999 before it were made.
/// </summary>
internal sealed class Draw(ulong key)
{
    private CounterRandom _random = new(key);

    /// <summary>A whole number from least to most, both included.</summary>
    public int Number(int least, int most)
    {
        ulong range = (ulong)(most - least) + 1;
        return least + (int)(((UInt128)_random.Next() * range) >> 64);
    }

    /// <summary>True with probability 1 / <paramref name="n"/>.</summary>
    public bool OneIn(int n) => Number(1, n) == 1;

    public T Pick<T>(params ReadOnlySpan<T> from) => from[Number(0, from.Length - 1)];
}
