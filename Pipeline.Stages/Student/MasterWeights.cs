using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// The weights that the optimizer updates. A weight of a narrower type than float32 has a float32 copy, because in bfloat16 an update by a thousandth
/// of a weight would be rounded away. A float32 weight is updated itself. Weights that another rank updates have no copy here.
/// </summary>
internal sealed class MasterWeights : IDisposable
{
    private readonly (string Name, Parameter Used, Parameter? Master)[] _all;

    /// <summary>Makes the float32 copies.</summary>
    /// <param name="trained">The weights that the model computes with. They are not disposed here.</param>
    /// <param name="isMine">Which of them this rank updates; null for all.</param>
    public MasterWeights(IReadOnlyList<(string Name, Parameter Tensor)> trained, Func<string, bool>? isMine = null)
    {
        using IDisposable quiet = no_grad();
        _all = [.. trained.Select(p => (p.Name, p.Tensor, isMine?.Invoke(p.Name) == false ? null : p.Tensor.dtype == ScalarType.Float32 ? p.Tensor : Copy(p.Tensor)))];
    }

    /// <summary>The float32 weights that are updated here.</summary>
    public IReadOnlyList<(string Name, Parameter Tensor)> Weights => [.. _all.Where(p => p.Master is not null).Select(p => (p.Name, p.Master!))];

    /// <summary>All trained weights, as the model computes with them.</summary>
    public IReadOnlyList<(string Name, Parameter Tensor)> Used => [.. _all.Select(p => (p.Name, p.Used))];

    private IEnumerable<(string Name, Parameter Used, Parameter Master)> Copied => _all.Where(p => p.Master is not null && !ReferenceEquals(p.Used, p.Master))!;

    /// <summary>Gives the weights that are updated here their gradients.</summary>
    /// <param name="gradients">A gradient for each of <see cref="Used"/>, in their order; null where there is none.</param>
    public void TakeGradients(IReadOnlyList<Tensor?> gradients)
    {
        using IDisposable quiet = no_grad();
        for (int i = 0; i < _all.Length; i++)
        {
            if (_all[i].Master is { } master) master.grad = gradients[i];
        }
    }

    /// <summary>Moves the gradients from the weights that the model computes with to their float32 copies.</summary>
    public void TakeGradients()
    {
        using IDisposable quiet = no_grad();
        foreach ((_, Parameter used, Parameter master) in Copied)
        {
            // The parameter holds the gradient. A handle that stays here would keep its memory until the garbage collector runs, which does not know
            // how large it is.
            using DisposeScope scope = NewDisposeScope();
            master.grad = used.grad?.to_type(ScalarType.Float32);
            used.grad = null;
        }
    }

    /// <summary>Rounds the float32 copies into the weights that the model computes with.</summary>
    public void HandBack()
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((_, Parameter used, Parameter master) in Copied)
            used.copy_(master);
    }

    public void Dispose()
    {
        foreach ((_, _, Parameter master) in Copied)
            master.Dispose();
    }

    private static Parameter Copy(Tensor used)
        => (Parameter)new Parameter(used.detach().to_type(ScalarType.Float32), requires_grad: false).DetachFromDisposeScope();
}
