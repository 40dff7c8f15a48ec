using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// The checked sizes and options of one call of the vocabulary head. Everything that can be wrong with them is refused here, because the backward pass must
/// not throw. N positions, V vocabulary rows, H hidden.
/// </summary>
internal sealed class HeadProblem
{
    // Sizes of a slice's float32 buffer: 32 MB, or up to 128 MB with many positions. Wide heads have up to 512 MB for all buffers, or 2 GB on CUDA
    // (see RowsOfWideHead).
    private const long SliceElements = 8 << 20, MostSliceElements = 32 << 20, MostWideElements = 128 << 20, MostCardElements = 512 << 20;

    // All weights are kept if they take 64 MB at most.
    private const long SmallElements = 16 << 20;

    // Below this width, products are a small part of the work. Logits are then computed again as fast as they could be read from memory, and small slices
    // stay in the processor's cache.
    private const long WideHead = 256;

    /// <param name="hidden_NH">The hidden states.</param>
    /// <param name="head_VH">The head, including rows with no token.</param>
    /// <param name="targets_N">int64 ids of valid rows; -1: no target.</param>
    /// <param name="options">The options to check.</param>
    /// <exception cref="ArgumentException">Shapes, ids or options do not fit one another.</exception>
    public HeadProblem(Tensor hidden_NH, Tensor head_VH, Tensor targets_N, HeadOptions options)
    {
        if (hidden_NH.dim() != 2 || head_VH.dim() != 2 || targets_N.dim() != 1 || hidden_NH.size(1) != head_VH.size(1) || hidden_NH.size(0) != targets_N.size(0))
            throw new ArgumentException($"hidden [{Shape(hidden_NH)}], head [{Shape(head_VH)}], targets [{Shape(targets_N)}]; expected [N,H], [V,H], [N]");
        Options = options;
        Rows = head_VH.size(0);
        Valid = options.ValidRows == 0 ? Rows : options.ValidRows;
        if (Valid < 1 || Valid > Rows)
            throw new ArgumentException($"{options.ValidRows} valid rows, the head has {Rows}", nameof(options));
        Count = hidden_NH.size(0);
        bool isWide = hidden_NH.size(1) >= WideHead;
        long rule = SliceRows(Count, Valid, hidden_NH.size(1), 1 + (options.Softcap is null ? 0 : 1) + (options.Reading is null ? 0 : 1), hidden_NH.device_type == DeviceType.CUDA);
        Slice = Math.Max(1, Math.Min(Count, options.SliceTokens > 0 ? options.SliceTokens : rule));
        Kept = Math.Min(Count, options.KeepTokens >= 0 ? options.KeepTokens : isWide && Count * Valid <= SmallElements ? Count : 0) / Slice * Slice;
        CheckTargets(targets_N);
        if (options.BoundaryMask is { } mask)
            Boundary = CheckedMask(mask);
    }

    public HeadOptions Options { get; }

    /// <summary>All rows of the head, including those with no token.</summary>
    public long Rows { get; }

    /// <summary>V, the rows of the head that are tokens.</summary>
    public long Valid { get; }

    /// <summary>N.</summary>
    public long Count { get; }

    /// <summary>How many positions are worked on at a time.</summary>
    public long Slice { get; }

    /// <summary>
    /// For how many of the first positions, in whole slices, the weights are kept for the head's gradient. Those of the last slice are kept as well; all
    /// others are computed again.
    /// </summary>
    public long Kept { get; }

    /// <summary>Whether a reading's gradient with respect to the logits is kept. To compute it again costs more than to compute logits again.</summary>
    public bool KeepsReading => Options.Reading is not null && Options.KeepTokens != 0 && Count * Valid <= SmallElements;

    /// <summary>[V] float32, 1 at boundary tokens and 0 elsewhere; null if their mass is not asked for.</summary>
    public Tensor? Boundary { get; }

    /// <summary>The first position and the number of positions of each slice.</summary>
    public IEnumerable<(long Start, long Length)> Slices
    {
        get
        {
            for (long start = 0; start < Count; start += Slice)
                yield return (start, Math.Min(Slice, Count - start));
        }
    }

    /// <summary>How many positions a slice has if <see cref="HeadOptions.SliceTokens"/> does not say.</summary>
    /// <param name="count">N.</param>
    /// <param name="valid">V.</param>
    /// <param name="width">H.</param>
    /// <param name="buffers">How many float32 matrices of a slice there are at the same time.</param>
    /// <param name="onCard">Whether the head is on CUDA.</param>
    public static long SliceRows(long count, long valid, long width, int buffers, bool onCard)
    {
        long rule = Math.Max(16, Math.Max(SliceElements / valid, Math.Min(count / 32, MostSliceElements / valid)));
        return width < WideHead ? rule : Math.Max(rule, RowsOfWideHead(count, valid, onCard ? MostCardElements : MostWideElements) / buffers);
    }

    // Each slice reads and packs the whole head three times, and adds to the whole of its gradient once. So a wide head is faster with few, large slices.
    // The plain way, which holds all logits at once, was measured to take three and a half matrices [N, V]. Slices may take a sixteenth of that: 3 N/20
    // rows leave some room. On a GPU the limit is higher, because slices of a few hundred positions leave most of it idle.
    private static long RowsOfWideHead(long count, long valid, long most) => Math.Min(most / valid, count * 3 / 20);

    private static string Shape(Tensor tensor) => string.Join(",", tensor.shape);

    private void CheckTargets(Tensor targets)
    {
        if (targets.dtype != ScalarType.Int64)
            throw new ArgumentException($"targets are {targets.dtype}, expected Int64", nameof(targets));
        if (Count == 0)
            return;
        using DisposeScope scope = NewDisposeScope();
        long least = targets.min().item<long>(), most = targets.max().item<long>();
        if (least < -1 || most >= Valid)
            throw new ArgumentException($"targets from {least} to {most}, expected -1 to {Valid - 1}", nameof(targets));
    }

    private Tensor CheckedMask(Tensor mask)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (mask.dim() != 1 || (mask.size(0) != Rows && mask.size(0) != Valid))
            throw new ArgumentException($"boundary mask [{Shape(mask)}], expected [{Rows}]", nameof(mask));
        Tensor boundary = mask.narrow(0, 0, Valid).to(ScalarType.Float32);
        if (boundary.sum().item<float>() == 0)
            throw new ArgumentException("the boundary mask has no token in it: its mass would be the logarithm of 0", nameof(mask));
        return boundary.MoveToOuterDisposeScope();
    }
}
