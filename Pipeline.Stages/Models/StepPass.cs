using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// What the layers share while they compute one new position in each of B rows: the residual stream, memory for intermediate results, and the
/// rotations. One object serves all steps of a model, so that memory and threads are made once. H hidden, R rotated dimensions, S positions including
/// the new one.
/// </summary>
/// <param name="config">The model's config.</param>
/// <param name="threads">The number of threads that compute.</param>
internal sealed unsafe class StepPass(ModelConfig config, int threads) : IDisposable
{
    private readonly Dictionary<string, (nint Address, long Count)> _rooms = new(StringComparer.Ordinal);
    private readonly Dictionary<(RopeSettings Rope, long Length), float[]> _frequencies = [];

    public StepTeam Team { get; } = new(threads);

    public int Batch { get; private set; }

    /// <summary>S, padding included.</summary>
    public int Length { get; private set; }

    /// <summary>[B] how many positions of padding come before each row.</summary>
    public IReadOnlyList<int> Padding { get; private set; } = [];

    /// <summary>[B, H]: the residual stream.</summary>
    public float* X => Room("x", config.HiddenSize);

    /// <summary>[2, B, R/2] the cosines, and then the sines, of the rotation at the new position of each row.</summary>
    public float* Rotary { get; private set; }

    /// <summary>The same for sliding layers.</summary>
    public float* SlidingRotary { get; private set; }

    /// <summary>The keys and values of the positions before. The layers add those of the new one.</summary>
    public KeyValueCache Cache { get; private set; } = null!;

    /// <summary>Begins a step: copies the input into the residual stream and computes the rotations.</summary>
    /// <param name="x_B1H">The input of the first layer, float32 on the CPU.</param>
    /// <param name="padding">See <see cref="Padding"/>.</param>
    /// <param name="cache">See <see cref="Cache"/>. It stays the caller's.</param>
    public void Begin(Tensor x_B1H, IReadOnlyList<int> padding, KeyValueCache cache)
    {
        (Batch, Padding, Cache, Length) = (padding.Count, padding, cache, cache.Length + 1);
        long count = (long)Batch * config.HiddenSize;
        new ReadOnlySpan<float>((float*)Torch.TensorAddress.Of(x_B1H), (int)count).CopyTo(new Span<float>(X, (int)count));
        Rotary = Turned(config.Rope, "rotary");
        SlidingRotary = config.SlidingRope == config.Rope ? Rotary : Turned(config.SlidingRope, "sliding rotary");
    }

    /// <summary>x Wᵀ + bias, computed by all threads. For the shapes see <see cref="VectorMaths.Product"/>.</summary>
    public void Product(float* x, float* weight, float* bias, float* into, int width, int rows)
        => Team.Run(rows, (long)rows * width * sizeof(float), (from, to) => VectorMaths.Product(x, weight, bias, into, Batch, width, rows, from, to));

    /// <summary>
    /// The memory of this name, with room for [B, width] values. It is owned by this object, and may move when more room is asked for than before.
    /// The values are undefined until they are written.
    /// </summary>
    public float* Room(string name, long width)
    {
        long count = Batch * width;
        (nint address, long held) = _rooms.GetValueOrDefault(name);
        if (held >= count)
            return (float*)address;
        // Twice what is needed, because the attention scores need more with every step.
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
                // In float32, like the angles of a RotaryTable.
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
