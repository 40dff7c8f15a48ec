using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>The checked sizes and options of one call of the vocabulary head. Everything that can be wrong is refused here, since the backward pass must not throw.</summary>
internal sealed class HeadProblem
{
    // 32 MB, of many positions up to 128 MB; for wide heads up to 512 MB, on a card 2 GB, see RowsOfWideHead.
    private const long SliceElements = 8 << 20, MostSliceElements = 32 << 20, MostWideElements = 128 << 20, MostCardElements = 512 << 20;

    // Where all weights take 64 MB at most they are kept.
    private const long SmallElements = 16 << 20;

    // Below this width the products are a small part of the work: logits are computed again as fast as they are fetched, and small slices stay near the processor.
    private const long WideHead = 256;

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

    /// <summary>V, rows with no token included.</summary>
    public long Rows { get; }

    public long Valid { get; }

    /// <summary>N.</summary>
    public long Count { get; }

    public long Slice { get; }

    /// <summary>Positions, from the first on and of whole slices, whose weights are kept for the head's gradient; the last slice's are too, the others' are computed again.</summary>
    public long Kept { get; }

    /// <summary>Whether a reading's gradient by the logits is kept, which costs more to make again than logits do.</summary>
    public bool KeepsReading => Options.Reading is not null && Options.KeepTokens != 0 && Count * Valid <= SmallElements;

    /// <summary>float32 [valid]: 1 at boundary tokens.</summary>
    public Tensor? Boundary { get; }

    /// <summary>Starts and lengths of the slices.</summary>
    public IEnumerable<(long Start, long Length)> Slices
    {
        get
        {
            for (long start = 0; start < Count; start += Slice)
                yield return (start, Math.Min(Slice, Count - start));
        }
    }

    /// <summary>Positions of a slice where nobody asks for a number.</summary>
    /// <param name="count">N.</param>
    /// <param name="valid">V.</param>
    /// <param name="width">H.</param>
    /// <param name="buffers">Float32 matrices of a slice that are there at a time.</param>
    /// <param name="onCard">On CUDA.</param>
    public static long SliceRows(long count, long valid, long width, int buffers, bool onCard)
    {
        long rule = Math.Max(16, Math.Max(SliceElements / valid, Math.Min(count / 32, MostSliceElements / valid)));
        return width < WideHead ? rule : Math.Max(rule, RowsOfWideHead(count, valid, onCard ? MostCardElements : MostWideElements) / buffers);
    }

    // Each slice reads and packs the whole head three times and adds to the whole of its gradient once, so a wide head wants few slices: as
    // large as they may be within a sixteenth of the three and a half matrices [N, V] that the plain way was measured to take (3 N/20 rows, and some room).
    // Slices of some hundred positions leave most of a card idle.
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
