using Pipeline.Contracts.Errors;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// What the attention of all layers shares for one batch: the rotations of the positions, and masks if plain causal attention is not enough. With
/// activation checkpointing it must not be disposed of before the backward pass is over. B batch, T positions, S keys (cached ones and those of this
/// call).
/// </summary>
public sealed class AttentionContext : IDisposable
{
    private AttentionContext(int batch, int length, RotaryTable rotary, RotaryTable slidingRotary)
    {
        Batch = batch;
        Length = length;
        Rotary = rotary;
        SlidingRotary = slidingRotary;
    }

    public int Batch { get; }

    /// <summary>T, the positions of this call, without those in the cache.</summary>
    public int Length { get; }

    /// <summary>The rotations for layers with full attention.</summary>
    internal RotaryTable Rotary { get; }

    /// <summary>The rotations for layers with a sliding window; the same object as <see cref="Rotary"/> if the settings are the same.</summary>
    internal RotaryTable SlidingRotary { get; }

    /// <summary>
    /// [B or 1, 1, T, S], added to the scores of layers with full attention: 0 or minus infinity. Null where <see cref="IsCausal"/> says enough.
    /// </summary>
    internal Tensor? FullMask { get; private init; }

    /// <summary>The same for layers with a sliding window.</summary>
    internal Tensor? SlidingMask { get; private init; }

    /// <summary>
    /// What holds where there is no mask. True: a query sees the keys up to itself. False: it sees all keys, because it is the only new position after
    /// the cached ones.
    /// </summary>
    internal bool IsCausal { get; private init; }

    internal KeyValueCache? Cache { get; private init; }

    /// <summary>Makes a causal attention; see <see cref="CausalLm.CreateAttention"/>.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="batch">B.</param>
    /// <param name="length">T.</param>
    /// <param name="mask_BS">1 where there is a token, including the cached ones; null: everywhere.</param>
    /// <param name="positions_BT">int64; null: counted from the number of cached positions.</param>
    /// <param name="segments_BT">Numbers of packed documents: positions see only those with their own number. Cannot be combined with a cache.</param>
    /// <param name="cache">The keys and values of earlier positions.</param>
    /// <param name="lengths">
    /// How many tokens each row has, if padding follows them; null: S. It is used only if the rotation varies with a row's length, and neither positions
    /// nor segments tell this length.
    /// </param>
    /// <param name="device">The model's device.</param>
    /// <param name="type">The compute type.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, or segments come with a cache.</exception>
    internal static AttentionContext Create(
        ModelConfig config, int batch, int length, Tensor? mask_BS, Tensor? positions_BT, Tensor? segments_BT, KeyValueCache? cache, IReadOnlyList<int>? lengths, Device device, ScalarType type)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int past = cache?.Length ?? 0;
        CheckShape(mask_BS, batch, past + length, "mask");
        CheckShape(positions_BT, batch, length, "positions");
        CheckShape(segments_BT, batch, length, "segments");
        if (segments_BT is not null && past > 0)
            throw new ArgumentException("packed documents cannot be combined with a cache", nameof(segments_BT));
        Tensor positions = positions_BT?.to(device) ?? arange(past, past + length, dtype: ScalarType.Int64, device: device);
        Tensor? rowLengths = !config.Rope.VariesWithLength && !config.SlidingRope.VariesWithLength ? null
            : positions_BT is not null || segments_BT is not null ? RowLengths(positions, segments_BT?.to(device))
            : lengths is null ? null : tensor([.. lengths.Select(each => (long)each)], device: device).unsqueeze(1).expand(batch, length);
        if (rowLengths is not null && positions.dim() == 1)
            positions = positions.unsqueeze(0).expand(batch, length);
        RotaryTable NewTable(RopeSettings rope) => new(rope, config.RotaryDim, positions, rope.VariesWithLength ? rowLengths : null, past + length, type);
        RotaryTable rotary = NewTable(config.Rope);
        bool slides = config.IsSliding.Contains(true);
        bool windowBites = slides && config.SlidingWindow < past + length;
        bool plain = mask_BS is null && segments_BT is null && config.AttentionSoftcap is null && (past == 0 || length == 1);
        bool needsFull = !plain && config.IsSliding.Contains(false);
        bool needsSliding = slides && (!plain || windowBites);
        Tensor? seen = needsFull || needsSliding ? Seen(past, length, mask_BS?.to(device), segments_BT?.to(device), device) : null;
        Tensor? full = needsFull ? Additive(seen!, type) : null;
        Tensor? sliding = !needsSliding ? null : windowBites ? Additive(seen! & Window(past, length, config.SlidingWindow!.Value, device), type) : full ?? Additive(seen!, type);
        RotaryTable slidingRotary = config.SlidingRope == config.Rope ? rotary : NewTable(config.SlidingRope);
        return new AttentionContext(batch, length, rotary, slidingRotary)
        {
            FullMask = full?.DetachFromDisposeScope(),
            SlidingMask = sliding?.DetachFromDisposeScope(),
            IsCausal = past == 0,
            Cache = cache,
        };
    }

    /// <summary>Makes an attention whose queries see chosen keys only; see <see cref="CausalLm.CreateTreeAttention"/>.</summary>
    internal static AttentionContext CreateTree(
        ModelConfig config, Tensor seen_BES, Tensor positions_BE, Tensor keyPositions_BS, KeyValueCache cache, Device device, ScalarType type)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (int batch, int length) = ((int)positions_BE.size(0), (int)positions_BE.size(1));
        int keys = cache.Length + length;
        CheckShape(keyPositions_BS, batch, keys, "positions of keys");
        if (!seen_BES.shape.SequenceEqual([batch, length, keys]))
            throw new ArgumentException($"what is seen is [{string.Join(",", seen_BES.shape)}], expected [{batch},{length},{keys}]", nameof(seen_BES));
        long longest = keyPositions_BS.max().ToInt64() + 1;
        RotaryTable NewTable(RopeSettings rope) => !rope.VariesWithLength || rope.InverseFrequencies(config.RotaryDim, longest).SequenceEqual(rope.InverseFrequencies(config.RotaryDim, 1))
            ? new RotaryTable(rope, config.RotaryDim, positions_BE, null, longest, type)
            : throw new InputException($"the model's rotary frequencies depend on the length of the text, and {longest} tokens are beyond those it was first made for: texts of different lengths in one pass would need different ones; use shorter texts");
        RotaryTable rotary = NewTable(config.Rope);
        RotaryTable slidingRotary = config.SlidingRope == config.Rope ? rotary : NewTable(config.SlidingRope);
        Tensor? full = config.IsSliding.Contains(false) ? Additive(seen_BES.unsqueeze(1), type) : null, sliding = null;
        if (config.IsSliding.Contains(true))
        {
            Tensor near = positions_BE.unsqueeze(2) - keyPositions_BS.unsqueeze(1) < config.SlidingWindow!.Value;
            sliding = Additive((seen_BES & near).unsqueeze(1), type);
        }
        return new AttentionContext(batch, length, rotary, slidingRotary)
        {
            FullMask = full?.DetachFromDisposeScope(),
            SlidingMask = sliding?.DetachFromDisposeScope(),
            IsCausal = false,
            Cache = cache,
        };
    }

    public void Dispose()
    {
        Rotary.Dispose();
        SlidingRotary.Dispose();
        FullMask?.Dispose();
        SlidingMask?.Dispose();
    }

    // [B, T] for each position, how many tokens its row or packed document has: one more than the largest position in it.
    private static Tensor RowLengths(Tensor positions, Tensor? segments_BT)
    {
        if (segments_BT is null)
            return (positions.amax([-1], keepdim: true) + 1).expand(positions.shape);
        Tensor inRow_B1T = positions.expand(segments_BT.shape).unsqueeze(1);
        return inRow_B1T.masked_fill(segments_BT.unsqueeze(2).ne(segments_BT.unsqueeze(1)), -1).amax([-1]) + 1;
    }

    private static Tensor Seen(int past, int length, Tensor? mask_BS, Tensor? segments_BT, Device device)
    {
        Tensor queries = arange(past, past + length, dtype: ScalarType.Int64, device: device).unsqueeze(1);
        Tensor keys = arange(0, past + length, dtype: ScalarType.Int64, device: device).unsqueeze(0);
        Tensor seen = (keys <= queries).unsqueeze(0).unsqueeze(0);
        if (mask_BS is not null)
            seen = seen & mask_BS.ne(Scalars.Zero).unsqueeze(1).unsqueeze(1);
        if (segments_BT is not null)
            seen = seen & segments_BT.unsqueeze(2).eq(segments_BT.unsqueeze(1)).unsqueeze(1);
        // A query at padding that saw nothing would give 0/0, and NaN would spread to every gradient. So it sees itself; nobody reads its result.
        return seen | (keys == queries);
    }

    private static Tensor Window(int past, int length, int window, Device device)
    {
        Tensor queries = arange(past, past + length, dtype: ScalarType.Int64, device: device).unsqueeze(1);
        return queries - arange(0, past + length, dtype: ScalarType.Int64, device: device).unsqueeze(0) < window;
    }

    private static Tensor Additive(Tensor seen, ScalarType type)
        => zeros(seen.shape, dtype: type, device: seen.device).masked_fill_(seen.logical_not(), Scalars.NegativeInfinity);

    private static void CheckShape(Tensor? given, int rows, int columns, string what)
    {
        if (given is not null && (given.dim() != 2 || given.size(0) != rows || given.size(1) != columns))
            throw new ArgumentException($"{what} is [{string.Join(",", given.shape)}], expected [{rows},{columns}]");
    }
}
