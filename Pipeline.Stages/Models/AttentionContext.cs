using Pipeline.Contracts.Errors;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// What all layers share for one batch: positions' rotations, and masks where plain causal attention is not enough. With activation
/// checkpointing it must live until the backward pass is over.
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

    /// <summary>Positions of this call; with a cache, those before it come on top.</summary>
    public int Length { get; }

    internal RotaryTable Rotary { get; }

    internal RotaryTable SlidingRotary { get; }

    /// <summary>Added to the scores of full layers, [B or 1, 1, T, S]: 0 or minus infinity. Null: see <see cref="IsCausal"/>.</summary>
    internal Tensor? FullMask { get; private init; }

    internal Tensor? SlidingMask { get; private init; }

    /// <summary>Where there is no mask: a query sees keys up to itself; false: it sees all (one new position after the cached ones).</summary>
    internal bool IsCausal { get; private init; }

    internal KeyValueCache? Cache { get; private init; }

    /// <param name="config">The model's.</param>
    /// <param name="batch">B.</param>
    /// <param name="length">T, the positions of this call.</param>
    /// <param name="mask_BS">1 where there is a token (cached ones included); null: everywhere.</param>
    /// <param name="positions_BT">int64; null: counted on from the cached ones.</param>
    /// <param name="segments_BT">Numbers of packed documents: attention stays within equal numbers. Not with a cache.</param>
    /// <param name="cache">Keys and values of the positions before.</param>
    /// <param name="lengths">
    /// Tokens of each row where padding follows them; null: T. Looked at only where the rotation varies with a row's length and
    /// neither positions nor segments say it.
    /// </param>
    /// <param name="device">Where.</param>
    /// <param name="type">The type computed in.</param>
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

    /// <summary>Queries behind cached keys that each see the keys they are told to; see <see cref="CausalLm.CreateTreeAttention"/>.</summary>
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

    // Of each position the tokens of its row or packed document, [B, T]: one more than the last position there.
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
        // A padding query that saw nothing would be 0/0 and poison every gradient: it sees itself, and nobody reads it.
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
