using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>Keys and values of the positions computed so far, per layer [B, K, S, D], in buffers that double when they are full.</summary>
public sealed class KeyValueCache(int layers) : IDisposable
{
    private readonly Tensor?[] _keys = new Tensor?[layers];
    private readonly Tensor?[] _values = new Tensor?[layers];

    /// <summary>Positions held by every layer.</summary>
    public int Length { get; private set; }

    /// <summary>Forgets everything; the buffers stay.</summary>
    public void Clear() => Length = 0;

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
        if (layer == layers - 1)
            Length += length;
        return (keys, values);
    }

    private Tensor Write(ref Tensor? buffer, Tensor part, int length)
    {
        long needed = Length + length;
        if (buffer is null || buffer.size(2) < needed)
        {
            long capacity = Math.Max(needed, buffer is null ? needed + 64 : 2 * buffer.size(2));
            Tensor grown = empty([part.size(0), part.size(1), capacity, part.size(3)], dtype: part.dtype, device: part.device).DetachFromDisposeScope();
            if (buffer is not null)
            {
                using Tensor from = buffer.narrow(2, 0, Length), to = grown.narrow(2, 0, Length);
                to.copy_(from);
                buffer.Dispose();
            }

            buffer = grown;
        }

        using (Tensor place = buffer.narrow(2, Length, length))
            place.copy_(part);
        return buffer.narrow(2, 0, needed);
    }
}
