using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// What the optimizer changes. A weight of fewer bits than float32 has a float32 copy, because an update of a thousandth of a weight is
/// lost in bfloat16; a float32 weight is its own. Of weights that another rank updates there is no copy here.
/// </summary>
internal sealed class MasterWeights : IDisposable
{
    private readonly (string Name, Parameter Used, Parameter? Master)[] _all;

    /// <param name="trained">The weights that the model computes with; they stay the caller's.</param>
    /// <param name="isMine">Which of them are updated here; all when null.</param>
    public MasterWeights(IReadOnlyList<(string Name, Parameter Tensor)> trained, Func<string, bool>? isMine = null)
    {
        using IDisposable quiet = no_grad();
        _all = [.. trained.Select(p => (p.Name, p.Tensor, isMine?.Invoke(p.Name) == false ? null : p.Tensor.dtype == ScalarType.Float32 ? p.Tensor : Copy(p.Tensor)))];
    }

    /// <summary>Those that are updated here.</summary>
    public IReadOnlyList<(string Name, Parameter Tensor)> Weights => [.. _all.Where(p => p.Master is not null).Select(p => (p.Name, p.Master!))];

    /// <summary>The weights that the model computes with, all of them.</summary>
    public IReadOnlyList<(string Name, Parameter Tensor)> Used => [.. _all.Select(p => (p.Name, p.Used))];

    private IEnumerable<(string Name, Parameter Used, Parameter Master)> Copied => _all.Where(p => p.Master is not null && !ReferenceEquals(p.Used, p.Master))!;

    /// <summary>Takes the gradients of a step from elsewhere, in the order of <see cref="Used"/>.</summary>
    public void TakeGradients(IReadOnlyList<Tensor?> gradients)
    {
        using IDisposable quiet = no_grad();
        for (int i = 0; i < _all.Length; i++)
        {
            if (_all[i].Master is { } master) master.grad = gradients[i];
        }
    }

    /// <summary>Moves the gradients of a step to the copies.</summary>
    public void TakeGradients()
    {
        using IDisposable quiet = no_grad();
        foreach ((_, Parameter used, Parameter master) in Copied)
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
