using Pipeline.Contracts.Definitions;
using Pipeline.Stages.Tests.Torch;
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
        Use(TestDevice.Choice);
    }

    public void Dispose()
    {
        Use(DeviceChoice.Cpu);
        _scope.Dispose();
        GC.SuppressFinalize(this);
    }

    // In a method of its own: no torch type may be touched before the loader ran.
    private static DisposeScope Scope() => torch.NewDisposeScope();

    // The losses take tensors from wherever they are; those of a test are made where torch makes them by itself.
    private static void Use(DeviceChoice choice) => torch.set_default_device(choice == DeviceChoice.Cuda ? torch.CUDA : torch.CPU);
}
