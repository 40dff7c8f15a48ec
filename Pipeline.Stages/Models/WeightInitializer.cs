using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Fresh weights as Hugging Face starts them: matrices normal with the config's standard deviation, biases zero, norms neutral. Each
/// weight has a generator of its own, seeded by the run's seed and its name, so that one does not depend on another.
/// </summary>
internal static class WeightInitializer
{
    public static Tensor Create(ModelConfig config, string name, long[] shape, long seed)
    {
        if (WeightNames.IsBias(name))
            return zeros(shape);
        if (WeightNames.IsNorm(name))
            return config.Family.OnePlusNorm ? zeros(shape) : ones(shape);
        return Normal(shape, config.InitializerRange, seed, name);
    }

    public static Tensor Normal(long[] shape, double deviation, long seed, string name)
    {
        using Generator generator = new(Mix(seed, name));
        return randn(shape, ScalarType.Float32, CPU, generator: generator).mul_(deviation);
    }

    // FNV-1a over the seed and the name.
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
