using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// What the optimizer changes. A weight of fewer bits than float32 has a float32 copy, because an update of a thousandth of a weight is
/// lost in bfloat16; a float32 weight is its own.
/// </summary>
internal sealed class MasterWeights : IDisposable
{
    private readonly (string Name, Parameter Used, Parameter Master)[] _all;

    /// <param name="trained">The weights that the model computes with; they stay the caller's.</param>
    public MasterWeights(IReadOnlyList<(string Name, Parameter Tensor)> trained)
    {
        using IDisposable quiet = no_grad();
        _all = [.. trained.Select(p => (p.Name, p.Tensor, p.Tensor.dtype == ScalarType.Float32 ? p.Tensor : Copy(p.Tensor)))];
    }

    public IReadOnlyList<(string Name, Parameter Tensor)> Weights => [.. _all.Select(p => (p.Name, p.Master))];

    /// <summary>The weights that the model computes with, in the same order.</summary>
    public IReadOnlyList<Parameter> Used => [.. _all.Select(p => p.Used)];

    /// <summary>Takes the gradients of a step from elsewhere, in the same order.</summary>
    public void TakeGradients(IReadOnlyList<Tensor?> gradients)
    {
        using IDisposable quiet = no_grad();
        for (int i = 0; i < _all.Length; i++)
            _all[i].Master.grad = gradients[i];
    }

    /// <summary>Moves the gradients of a step to the copies.</summary>
    public void TakeGradients()
    {
        using IDisposable quiet = no_grad();
        foreach ((_, Parameter used, Parameter master) in _all.Where(p => !ReferenceEquals(p.Used, p.Master)))
        {
            // The parameter holds the gradient; a handle of ours would hold it until the collector came by, which knows nothing of its size.
            using DisposeScope scope = NewDisposeScope();
            master.grad = used.grad?.to_type(ScalarType.Float32);
            used.grad = null;
        }
    }

    /// <summary>Rounds the copies into the weights that the model computes with.</summary>
    public void HandBack()
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((_, Parameter used, Parameter master) in _all.Where(p => !ReferenceEquals(p.Used, p.Master)))
            used.copy_(master);
    }

    public void Dispose()
    {
        foreach ((_, _, Parameter master) in _all.Where(p => !ReferenceEquals(p.Used, p.Master)))
            master.Dispose();
    }

    private static Parameter Copy(Tensor used)
        => (Parameter)new Parameter(used.detach().to_type(ScalarType.Float32), requires_grad: false).DetachFromDisposeScope();
}
