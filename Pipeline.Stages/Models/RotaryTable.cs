using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// The cosines and sines that rotate queries and keys at given positions, [T, R/2], or [B, 1, T, R/2] if rows have positions of their own. The first R
/// dimensions of each head are rotated.
/// </summary>
internal sealed class RotaryTable : IDisposable
{
    private readonly Tensor _cos, _sin;
    private readonly int _dimensions;

    /// <summary>Computes the table on the device of the positions.</summary>
    /// <param name="settings">The base and the scaling.</param>
    /// <param name="dimensions">R.</param>
    /// <param name="positions">int64, [T] or [B, T].</param>
    /// <param name="lengths">
    /// int64, of the same shape as the positions: the number of tokens in the row of each. Null if all of them are <paramref name="length"/>.
    /// </param>
    /// <param name="length">See <paramref name="lengths"/>.</param>
    /// <param name="type">The type of the queries and keys.</param>
    public RotaryTable(RopeSettings settings, int dimensions, Tensor positions, Tensor? lengths, long length, ScalarType type)
    {
        _dimensions = dimensions;
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        // The reference rounds frequencies and angles to float32.
        Tensor Frequencies(long rowLength) => tensor([.. settings.InverseFrequencies(dimensions, rowLength).Select(frequency => (float)frequency)], device: positions.device);
        Tensor frequencies = lengths is null ? Frequencies(length) : Each(lengths, Frequencies);
        Tensor angles = positions.to(ScalarType.Float32).unsqueeze(-1) * frequencies;
        if (positions.dim() == 2)
            angles = angles.unsqueeze(1);
        Tensor cos = angles.cos(), sin = angles.sin();
        if (settings.Magnitude != 1)
            (cos, sin) = (cos * settings.Magnitude, sin * settings.Magnitude);
        _cos = cos.to(type).DetachFromDisposeScope();
        _sin = sin.to(type).DetachFromDisposeScope();
    }

    /// <summary>Rotates the pairs (x[k], x[k + R/2]) of the last dimension. What comes after the first R values stays as it is.</summary>
    public Tensor Rotate(Tensor x_BHTD)
    {
        long rest = x_BHTD.size(-1) - _dimensions;
        Tensor[] halves = (rest == 0 ? x_BHTD : x_BHTD.narrow(-1, 0, _dimensions)).chunk(2, -1);
        Tensor left = halves[0] * _cos - halves[1] * _sin, right = halves[1] * _cos + halves[0] * _sin;
        return rest == 0 ? cat([left, right], -1) : cat([left, right, x_BHTD.narrow(-1, _dimensions, rest)], -1);
    }

    // [B, T, R/2] the frequencies of each position. A batch has few different lengths, and the frequencies of each are computed once.
    private static Tensor Each(Tensor lengths, Func<long, Tensor> frequencies)
    {
        (Tensor distinct, Tensor? which, _) = lengths.unique(sorted: true, return_inverse: true);
        Tensor table = stack([.. distinct.cpu().data<long>().ToArray().Select(frequencies)]);
        return table.index_select(0, which!.flatten()).view([.. lengths.shape, table.size(1)]);
    }

    public void Dispose()
    {
        _cos.Dispose();
        _sin.Dispose();
    }
}
