using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>Keys and values of the positions computed so far, per layer [B, K, S, D], in buffers that double when they are full.</summary>
public sealed class KeyValueCache(int layers) : IDisposable
{
    private readonly Tensor?[] _keys = new Tensor?[layers];
    private readonly Tensor?[] _values = new Tensor?[layers];
    private bool _isShared;

    /// <summary>Positions held by every layer.</summary>
    public int Length { get; private set; }

    /// <summary>Forgets everything; the buffers stay.</summary>
    public void Clear() => Length = 0;

    /// <summary>Forgets what comes behind the first positions.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    /// <summary>
    /// The first positions of all rows, in the same memory until something is added to them: then they are copied. What they are taken from
    /// stays as it is meanwhile: it grows, if at all, behind them.
    /// </summary>
    public KeyValueCache First(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        KeyValueCache first = Made(length, (values, layer) => values(this)[layer]!.narrow(2, 0, length).DetachFromDisposeScope(), isEmpty: length == 0);
        first._isShared = true;
        return first;
    }

    /// <summary>A copy of some rows and of the positions from one on, up to a length.</summary>
    /// <param name="rows">Numbers of rows.</param>
    /// <param name="from">The first position.</param>
    /// <param name="length">Positions.</param>
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

    /// <summary>The rows of several, one behind the other; shorter ones are padded in front.</summary>
    /// <param name="parts">Of one model; stay the caller's.</param>
    /// <param name="rows">Of each part.</param>
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

    /// <summary>Leaves positions out; the others keep their order.</summary>
    /// <param name="positions">Ascending.</param>
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

    /// <summary>Adds this call's keys and values and returns all so far. The length moves with the last layer.</summary>
    internal (Tensor Keys, Tensor Values) Append(int layer, Tensor k_BKTD, Tensor v_BKTD)
    {
        int length = (int)k_BKTD.size(2);
        Tensor keys = Write(ref _keys[layer], k_BKTD, length), values = Write(ref _values[layer], v_BKTD, length);
        Added(layer, length);
        return (keys, values);
    }

    /// <summary>
    /// Where a layer's keys and values lie on the processor, [B, K, capacity, D] each, with room for one position more; it is there for
    /// all who ask once <see cref="Added"/> was called for the last layer.
    /// </summary>
    internal (nint Keys, nint Values, long Capacity) Place(int layer, long batch, long heads, long width)
    {
        long[] shape = [batch, heads, 1, width];
        Tensor keys = Room(ref _keys[layer], shape, ScalarType.Float32, CPU), values = Room(ref _values[layer], shape, ScalarType.Float32, CPU);
        return (TensorAddress.Of(keys), TensorAddress.Of(values), keys.size(2));
    }

    /// <summary>A layer's position was written. The length moves with the last layer.</summary>
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

    // The buffer itself where more of this shape fits in, else a larger one with what was there.
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
