using Pipeline.Contracts.Definitions;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Torch;

/// <summary>
/// Where the tests of models, objectives and training compute: on the CPU, or with <c>ALM_TEST_DEVICE=cuda</c> on a card, in float32
/// either way, because the numbers they hold are those of float32; what a real run computes in is met by <c>Pipeline.FaultTests</c> there.
/// On a card one test at a time, since where torch makes a tensor by itself is the same for all: <c>-- xUnit.ParallelizeTestCollections=false</c>.
/// </summary>
internal static class TestDevice
{
    public static DeviceChoice Choice { get; } = Enum.Parse<DeviceChoice>(Environment.GetEnvironmentVariable("ALM_TEST_DEVICE") ?? nameof(DeviceChoice.Cpu), ignoreCase: true);

    public static Device Device => Choice == DeviceChoice.Cuda ? CUDA : CPU;

    public static TorchDevice Create()
        => TorchDevice.Create(Choice, 1, null, ScalarType.Float32);
}
