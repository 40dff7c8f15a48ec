namespace Pipeline.Stages.NextBytes;

/// <summary>Tokens that begin alike, by the byte that comes next.</summary>
/// <param name="symbols">Of all beginnings.</param>
/// <param name="starts">Of all beginnings.</param>
/// <param name="from">Where this one's are.</param>
/// <param name="count">How many bytes may come.</param>
internal readonly struct ByteBranches(byte[] symbols, int[] starts, int from, int count)
{
    /// <summary>[n] ascending.</summary>
    public ReadOnlySpan<byte> Symbols => symbols.AsSpan(from, count);

    /// <summary>[n + 1] branch i is places Starts[i] up to, not with, Starts[i + 1].</summary>
    public ReadOnlySpan<int> Starts => starts.AsSpan(from, count + 1);
}
