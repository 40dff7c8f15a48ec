using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// What the layers share in a step of one position in each of B rows: the residual stream, room for what they compute on the way, and
/// rotations. Kept from step to step. H hidden, D head width, R rotated dimensions, S positions with this one.
/// </summary>
/// <param name="config">The model's.</param>
/// <param name="threads">How many compute.</param>
internal sealed unsafe class StepPass(ModelConfig config, int threads) : IDisposable
{
    private readonly Dictionary<string, (nint Address, long Count)> _rooms = new(StringComparer.Ordinal);
    private readonly Dictionary<(RopeSettings Rope, long Length), float[]> _frequencies = [];

    public StepTeam Team { get; } = new(threads);

    public int Batch { get; private set; }

    /// <summary>S, of the longest row; a shorter one begins behind its padding.</summary>
    public int Length { get; private set; }

    /// <summary>Padding in front of each row.</summary>
    public IReadOnlyList<int> Padding { get; private set; } = [];

    /// <summary>[B, H]: the residual stream.</summary>
    public float* X => Room("x", config.HiddenSize);

    /// <summary>[B, R/2]: cosines of each row's rotation at its position, and behind all of them the sines.</summary>
    public float* Rotary { get; private set; }

    public float* SlidingRotary { get; private set; }

    public KeyValueCache Cache { get; private set; } = null!;

    /// <summary>Begins a step.</summary>
    public void Begin(Tensor x_B1H, IReadOnlyList<int> padding, KeyValueCache cache)
    {
        (Batch, Padding, Cache, Length) = (padding.Count, padding, cache, cache.Length + 1);
        long count = (long)Batch * config.HiddenSize;
        new ReadOnlySpan<float>((float*)Torch.TensorAddress.Of(x_B1H), (int)count).CopyTo(new Span<float>(X, (int)count));
        Rotary = Turned(config.Rope, "rotary");
        SlidingRotary = config.SlidingRope == config.Rope ? Rotary : Turned(config.SlidingRope, "sliding rotary");
    }

    /// <summary>x W' + bias: [B, rows] of [B, width] and [rows, width].</summary>
    public void Product(float* x, float* weight, float* bias, float* into, int width, int rows)
        => Team.Run(rows, (long)rows * width * sizeof(float), (from, to) => VectorMaths.Product(x, weight, bias, into, Batch, width, rows, from, to));

    /// <summary>Memory for [B, width] values, by name. Its content is undefined until it is written.</summary>
    public float* Room(string name, long width)
    {
        long count = Batch * width;
        (nint address, long held) = _rooms.GetValueOrDefault(name);
        if (held >= count)
            return (float*)address;
        // Twice what is needed, because scores grow with every step.
        address = (nint)NativeMemory.AlignedRealloc((void*)address, (nuint)(2 * count * sizeof(float)), 64);
        _rooms[name] = (address, 2 * count);
        return (float*)address;
    }

    public void Dispose()
    {
        Team.Dispose();
        foreach ((nint address, _) in _rooms.Values)
            NativeMemory.AlignedFree((void*)address);
        _rooms.Clear();
    }

    private float* Turned(RopeSettings rope, string name)
    {
        int half = config.RotaryDim / 2;
        float* into = Room(name, 2 * half);
        for (int row = 0; row < Batch; row++)
        {
            int position = Length - 1 - Padding[row];
            float[] frequencies = Frequencies(rope, rope.VariesWithLength ? position + 1 : 1);
            for (int k = 0; k < half; k++)
            {
                // In float32, as the tables of whole batches.
                float angle = position * frequencies[k], magnitude = (float)rope.Magnitude;
                into[(row * half) + k] = MathF.Cos(angle) * magnitude;
                into[((Batch + row) * half) + k] = MathF.Sin(angle) * magnitude;
            }
        }
        return into;
    }

    private float[] Frequencies(RopeSettings rope, long length)
    {
        if (_frequencies.TryGetValue((rope, length), out float[]? known))
            return known;
        float[] made = Array.ConvertAll(rope.InverseFrequencies(config.RotaryDim, length), frequency => (float)frequency);
        return rope.VariesWithLength ? made : _frequencies[(rope, length)] = made;
    }
}
