using Pipeline.Contracts.Errors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>
/// The named weights of a hypernetwork, and the few operations that both architectures consist of. It works in the weights' own type, float32 or
/// float64.
/// </summary>
internal sealed class NetworkWeights : IDisposable
{
    private readonly SortedDictionary<string, Parameter> _all = new(StringComparer.Ordinal);

    /// <summary>Copies the weights. Gradients are off at first.</summary>
    public NetworkWeights(IEnumerable<(string Name, Tensor Value)> weights, Device device)
    {
        using var quiet = no_grad();
        foreach ((string name, Tensor value) in weights)
            _all.Add(name, (Parameter)new Parameter(value.detach().clone().to(device), requires_grad: false).DetachFromDisposeScope());
    }

    public IReadOnlyList<(string Name, Parameter Tensor)> All => [.. _all.Select(w => (w.Key, w.Value))];

    public bool Has(string name) => _all.ContainsKey(name);

    public Parameter this[string name] => _all.TryGetValue(name, out Parameter? weight)
        ? weight : throw new InputException($"hypernetwork: no weight '{name}'; the folder's configuration does not belong to its weights");

    public void Train(Func<string, bool> isTrained)
    {
        foreach ((string name, Parameter weight) in _all)
            weight.requires_grad = isTrained(name);
    }

    /// <summary>x W + b, with W = <c>NAME.kernel</c> [in, out].</summary>
    public Tensor Kernel(string name, Tensor x) => nn.functional.linear(x, this[$"{name}.kernel"].t(), this[$"{name}.bias"]);

    /// <summary>x Wᵀ + b, with W = <c>NAME.weight</c> [out, in].</summary>
    public Tensor Linear(string name, Tensor x) => nn.functional.linear(x, this[$"{name}.weight"], this[$"{name}.bias"]);

    public Tensor LayerNorm(string name, string scale, Tensor x, double epsilon)
        => nn.functional.layer_norm(x, [x.size(-1)], this[$"{name}.{scale}"], this[$"{name}.bias"], epsilon);

    /// <summary>x ∘ w + b, for each channel.</summary>
    public Tensor Rescale(string name, Tensor x) => x * this[$"{name}.w"] + this[$"{name}.b"];

    public void Dispose()
    {
        foreach (Parameter weight in _all.Values)
            weight.Dispose();
    }
}
