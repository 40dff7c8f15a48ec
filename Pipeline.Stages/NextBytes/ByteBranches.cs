namespace Pipeline.Stages.NextBytes;

/// <summary>A range of places by the byte that comes next; tokens that have no more bytes are in front and in no branch.</summary>
/// <param name="Symbols">[n] ascending.</param>
/// <param name="Starts">[n + 1] branch i is places Starts[i] up to, not with, Starts[i + 1].</param>
internal sealed record ByteBranches(byte[] Symbols, int[] Starts);
