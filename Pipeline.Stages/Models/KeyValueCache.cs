using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// The keys and values of the positions that were computed so far, [B, K, S, D] for each layer: B rows, K key heads, S positions, D head width. The
/// buffers at least double when they are full, so that not every new position copies them.
/// </summary>
/// <param name="layers">The number of layers.</param>
public sealed class KeyValueCache(int layers) : IDisposable
{
    private readonly Tensor?[] _keys = new Tensor?[layers];
    private readonly Tensor?[] _values = new Tensor?[layers];
    private bool _isShared;

    /// <summary>S, the number of positions that all layers have.</summary>
    public int Length { get; private set; }

    /// <summary>Forgets all positions. The buffers are kept for new ones.</summary>
    public void Clear() => Length = 0;

    /// <summary>Forgets all positions after the first ones.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    /// <summary>
    /// The first positions of all rows, as a cache of its own, which the caller disposes of. It shares this one's memory, and copies it only when
    /// something is added. While it shares the memory, this cache may grow, but must not be truncated below these positions and filled again.
    /// </summary>
    public KeyValueCache First(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        KeyValueCache first = Made(length, (values, layer) => values(this)[layer]!.narrow(2, 0, length).DetachFromDisposeScope(), isEmpty: length == 0);
        first._isShared = true;
        return first;
    }

    /// <summary>A copy of a stretch of positions of some rows.</summary>
    /// <param name="rows">The numbers of the rows.</param>
    /// <param name="from">The first position.</param>
    /// <param name="length">How many positions are copied.</param>
    public KeyValueCache Copy(IReadOnlyList<int> rows, int from, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(from + length, Length);
        long[] numbers = [.. rows.Select(row => (long)row)];
        return Made(length, (values, layer) =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor part = values(this)[layer]!.narrow(2, from, length);
            return (rows.Count == 1 ? part.narrow(0, rows[0], 1).clone() : part.index_select(0, tensor(numbers, device: part.device))).DetachFromDisposeScope();
        }, isEmpty: length == 0);
    }

    /// <summary>Copies the rows of several caches into one, one after the other. Shorter ones are padded with zeros in front.</summary>
    /// <param name="parts">Caches of one model. They stay the caller's.</param>
    /// <param name="rows">The number of rows of each cache.</param>
    public static KeyValueCache Join(IReadOnlyList<KeyValueCache> parts, IReadOnlyList<int> rows)
    {
        int longest = parts.Max(part => part.Length);
        KeyValueCache? filled = parts.FirstOrDefault(part => part.Length > 0);
        if (filled is null)
            return new KeyValueCache(parts[0]._keys.Length);
        return filled.Made(longest, (values, layer) =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor like = values(filled)[layer]!;
            return cat([.. parts.Select((part, i) =>
            {
                Tensor padding = zeros([rows[i], like.size(1), longest - part.Length, like.size(3)], dtype: like.dtype, device: like.device);
                return part.Length == 0 ? padding : cat([padding, values(part)[layer]!.narrow(2, 0, part.Length)], 2);
            })], 0).DetachFromDisposeScope();
        }, isEmpty: false);
    }

    /// <summary>Keeps only some positions, in all rows.</summary>
    /// <param name="positions">The positions to keep, ascending.</param>
    public void Keep(IReadOnlyList<int> positions)
    {
        bool areFirst = positions.Count == 0 || positions[^1] == positions.Count - 1;
        if (areFirst)
        {
            Truncate(positions.Count);
            return;
        }
        using DisposeScope scope = NewDisposeScope();
        for (int layer = 0; layer < _keys.Length; layer++)
        {
            Tensor at = tensor([.. positions.Select(position => (long)position)], device: _keys[layer]!.device);
            _keys[layer] = Chosen(_keys[layer]!, at);
            _values[layer] = Chosen(_values[layer]!, at);
        }
        (Length, _isShared) = (positions.Count, false);

        static Tensor Chosen(Tensor buffer, Tensor at)
        {
            using (buffer)
                return buffer.index_select(2, at).DetachFromDisposeScope();
        }
    }

    private KeyValueCache Made(int length, Func<Func<KeyValueCache, Tensor?[]>, int, Tensor> make, bool isEmpty)
    {
        var made = new KeyValueCache(_keys.Length) { Length = length };
        for (int layer = 0; !isEmpty && layer < _keys.Length; layer++)
        {
            made._keys[layer] = make(static cache => cache._keys, layer);
            made._values[layer] = make(static cache => cache._values, layer);
        }
        return made;
    }

    public void Dispose()
    {
        foreach (Tensor? tensor in _keys.Concat(_values))
            tensor?.Dispose();
    }

    /// <summary>
    /// Adds new keys and values [B, K, T, D] of a layer, and returns all that it has now, as views of the buffers. <see cref="Length"/> grows when the
    /// last layer has added its own.
    /// </summary>
    internal (Tensor Keys, Tensor Values) Append(int layer, Tensor k_BKTD, Tensor v_BKTD)
    {
        int length = (int)k_BKTD.size(2);
        Tensor keys = Write(ref _keys[layer], k_BKTD, length), values = Write(ref _values[layer], v_BKTD, length);
        Added(layer, length);
        return (keys, values);
    }

    /// <summary>
    /// The addresses of a layer's keys and values in main memory: float32 [B, K, capacity, D] each, with room for one more position. The caller writes
    /// the position there and then calls <see cref="Added"/>.
    /// </summary>
    internal (nint Keys, nint Values, long Capacity) Place(int layer, long batch, long heads, long width)
    {
        long[] shape = [batch, heads, 1, width];
        Tensor keys = Room(ref _keys[layer], shape, ScalarType.Float32, CPU), values = Room(ref _values[layer], shape, ScalarType.Float32, CPU);
        return (TensorAddress.Of(keys), TensorAddress.Of(values), keys.size(2));
    }

    /// <summary>To be called when new positions of a layer have been written. <see cref="Length"/> grows with the last layer.</summary>
    internal void Added(int layer, int length = 1)
    {
        if (layer == layers - 1)
            (Length, _isShared) = (Length + length, false);
    }

    private Tensor Write(ref Tensor? buffer, Tensor part, int length)
    {
        Tensor room = Room(ref buffer, part.shape, part.dtype, part.device);
        using (Tensor place = room.narrow(2, Length, length))
            place.copy_(part);
        return room.narrow(2, 0, Length + length);
    }

    // A buffer with room for more of this shape: the present one, or a larger one with the same content.
    private Tensor Room(ref Tensor? buffer, long[] shape_BKTD, ScalarType type, Device device)
    {
        long needed = Length + shape_BKTD[2];
        if (buffer is not null && !_isShared && buffer.size(2) >= needed)
            return buffer;
        long capacity = buffer is null || _isShared ? needed + 64 : Math.Max(needed, 2 * buffer.size(2));
        Tensor grown = empty([shape_BKTD[0], shape_BKTD[1], capacity, shape_BKTD[3]], dtype: type, device: device).DetachFromDisposeScope();
        if (buffer is not null)
        {
            using Tensor from = buffer.narrow(2, 0, Length), to = grown.narrow(2, 0, Length);
            to.copy_(from);
            buffer.Dispose();
        }
        return buffer = grown;
    }
}
