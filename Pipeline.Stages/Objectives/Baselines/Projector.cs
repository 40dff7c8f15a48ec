using Pipeline.Stages.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives.Baselines;

/// <summary>A learned affine map between hidden sizes. It is part of an objective, not of the student. I inputs, O outputs.</summary>
internal sealed class Projector
{
    public Projector(string name, Tensor kernel_IO, Tensor bias_O)
    {
        Name = name;
        Kernel_IO = kernel_IO;
        Bias_O = bias_O;
    }

    /// <summary>A projector whose kernel is uniform in ±1/√I and whose bias is 0. The values depend only on the seed and the sizes.</summary>
    public static Projector Create(string name, long input, long output, long seed, Device device)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        using var generator = new Generator(0, CPU);
        generator.manual_seed(seed);
        double bound = 1 / Math.Sqrt(input);
        Tensor kernel = rand([input, output], dtype: ScalarType.Float32, device: CPU, generator: generator).mul_(2 * bound).sub_(bound).to(device);
        Tensor bias = zeros(output, dtype: ScalarType.Float32, device: device);
        return new Projector(name, Own(kernel), Own(bias));
    }

    private static Parameter Own(Tensor tensor) => (Parameter)new Parameter(tensor, requires_grad: true).DetachFromDisposeScope();

    public string Name { get; }

    public Tensor Kernel_IO { get; }

    public Tensor Bias_O { get; }

    public IReadOnlyList<(string Name, Tensor Value)> Parameters => [($"{Name}.kernel", Kernel_IO), ($"{Name}.bias", Bias_O)];

    /// <summary>[..., I] → [..., O].</summary>
    public Tensor Apply(Tensor x) => TorchScripts.Product(x, Kernel_IO) + Bias_O;
}
