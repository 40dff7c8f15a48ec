using System.Runtime.CompilerServices;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Tests;

internal static class TestAssembly
{
    // Tests run beside each other in one process. torch's number of threads belongs to the process, and the last bits of a result depend on it: with different
    // numbers, tests would change each other's results. So all of them use one thread.
    [ModuleInitializer]
    internal static void Begin() => TorchDevice.DefaultThreads = 1;
}
