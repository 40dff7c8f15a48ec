using Pipeline.Stages.Batching;

namespace Pipeline.Stages.Text.Problems;

/// <summary>Draws of one document, a function of its key alone, so that document 1,000 is the same whether or not the 999 before it were made.</summary>
internal sealed class Draw(ulong key)
{
    private CounterRandom _random = new(key);

    /// <summary>A whole number in [least, most].</summary>
    public int Number(int least, int most)
    {
        ulong range = (ulong)(most - least) + 1;
        return least + (int)(((UInt128)_random.Next() * range) >> 64);
    }

    /// <summary>True once in <paramref name="n"/> times.</summary>
    public bool OneIn(int n) => Number(1, n) == 1;

    public T Pick<T>(params ReadOnlySpan<T> from) => from[Number(0, from.Length - 1)];
}
