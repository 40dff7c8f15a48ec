namespace Pipeline.Stages.NextBytes;

/// <summary>The tokens that share one beginning, grouped by their next byte: n branches. A view of the arrays of <see cref="ByteBeginnings"/>.</summary>
/// <param name="symbols">The next bytes of all beginnings.</param>
/// <param name="starts">The first places of all branches of all beginnings.</param>
/// <param name="from">Where this beginning's entries start.</param>
/// <param name="count">n.</param>
internal readonly struct ByteBranches(byte[] symbols, int[] starts, int from, int count)
{
    /// <summary>[n] the bytes that may come next, ascending.</summary>
    public ReadOnlySpan<byte> Symbols => symbols.AsSpan(from, count);

    /// <summary>[n + 1] the tokens of branch i are at the places from Starts[i] up to but not including Starts[i + 1].</summary>
    public ReadOnlySpan<int> Starts => starts.AsSpan(from, count + 1);
}
