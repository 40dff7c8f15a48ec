using Pipeline.Stages.Torch;
using TorchSharp;

namespace Pipeline.Stages.Tests.Objectives;

/// <summary>Loads torch and frees the tensors of one test.</summary>
public abstract class TorchTest : IDisposable
{
    private readonly DisposeScope _scope;

    protected TorchTest()
    {
        TorchLoader.Load();
        _scope = Scope();
    }

    public void Dispose()
    {
        _scope.Dispose();
        GC.SuppressFinalize(this);
    }

    // In a method of its own: no torch type may be touched before the loader ran.
    private static DisposeScope Scope() => torch.NewDisposeScope();
}
