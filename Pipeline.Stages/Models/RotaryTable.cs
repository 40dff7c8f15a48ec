using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>Cosines and sines of the rotation for given positions, [T, D/2] or [B, 1, T, D/2].</summary>
internal sealed class RotaryTable : IDisposable
{
    private readonly Tensor _cos, _sin;

    /// <param name="settings">Base and scaling.</param>
    /// <param name="headDim">D.</param>
    /// <param name="positions">int64, [T] or [B, T].</param>
    /// <param name="type">The type of the queries and keys.</param>
    public RotaryTable(RopeSettings settings, int headDim, Tensor positions, ScalarType type)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        // Frequencies and angles in float32, as the reference rounds them.
        float[] frequencies = [.. settings.InverseFrequencies(headDim).Select(frequency => (float)frequency)];
        Tensor angles = positions.to(ScalarType.Float32).unsqueeze(-1) * tensor(frequencies, device: positions.device);
        if (positions.dim() == 2)
            angles = angles.unsqueeze(1);
        Tensor cos = angles.cos(), sin = angles.sin();
        if (settings.Magnitude != 1)
            (cos, sin) = (cos * settings.Magnitude, sin * settings.Magnitude);
        _cos = cos.to(type).DetachFromDisposeScope();
        _sin = sin.to(type).DetachFromDisposeScope();
    }

    /// <summary>Rotates the pairs (x[k], x[k + D/2]) of the last dimension.</summary>
    public Tensor Rotate(Tensor x_BHTD)
    {
        Tensor[] halves = x_BHTD.chunk(2, -1);
        return cat([halves[0] * _cos - halves[1] * _sin, halves[1] * _cos + halves[0] * _sin], -1);
    }

    public void Dispose()
    {
        _cos.Dispose();
        _sin.Dispose();
    }
}
