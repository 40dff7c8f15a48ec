using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Initial weights like those of Hugging Face: matrices are normal with the config's standard deviation, biases are zero, and norms change nothing. Each
/// weight has a random generator of its own, seeded by the run's seed and the weight's name, so that no weight depends on another.
/// </summary>
internal static class WeightInitializer
{
    /// <summary>The initial values of a weight, float32 on the CPU.</summary>
    public static Tensor Create(ModelConfig config, string name, long[] shape, long seed)
    {
        if (WeightNames.IsBias(name))
            return zeros(shape);
        if (WeightNames.IsNorm(name))
            return config.Family.OnePlusNorm ? zeros(shape) : ones(shape);
        return Normal(shape, config.InitializerRange, seed, name);
    }

    /// <summary>Normal values with mean 0, float32 on the CPU.</summary>
    public static Tensor Normal(long[] shape, double deviation, long seed, string name)
    {
        using Generator generator = new(Mix(seed, name));
        return randn(shape, ScalarType.Float32, CPU, generator: generator).mul_(deviation);
    }

    // FNV-1a over the bytes of the seed and the characters of the name.
    private static ulong Mix(long seed, string name)
    {
        ulong hash = 14695981039346656037UL;
        for (int i = 0; i < 8; i++)
            hash = (hash ^ (byte)(seed >> (8 * i))) * 1099511628211UL;
        foreach (char c in name)
            hash = (hash ^ c) * 1099511628211UL;
        return hash >> 1;
    }
}
