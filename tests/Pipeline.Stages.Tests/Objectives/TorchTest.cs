using Pipeline.Contracts.Definitions;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Torch;
using TorchSharp;

namespace Pipeline.Stages.Tests.Objectives;

/// <summary>Loads torch before a test, and frees the test's tensors after it.</summary>
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

    // A method of its own, because no type of torch may be touched before the loader has run.
    private static DisposeScope Scope() => torch.NewDisposeScope();

    // Losses work on whichever device their tensors are on. A test makes its tensors on the default device, which is set here.
    private static void Use(DeviceChoice choice) => torch.set_default_device(choice == DeviceChoice.Cuda ? torch.CUDA : torch.CPU);
}
