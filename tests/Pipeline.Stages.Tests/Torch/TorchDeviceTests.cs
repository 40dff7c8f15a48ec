using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Torch;

[Collection(TorchCollection.Name)]
public sealed class TorchDeviceTests
{
    [Fact]
    public async Task All_work_runs_on_one_thread_in_the_order_given()
    {
        using TorchDevice device = TorchDevice.Create(DeviceChoice.Cpu, 1);
        List<(int Item, int Thread)> seen = [];
        Task[] tasks = [.. Enumerable.Range(0, 100).Select(i => device.RunAsync(() => seen.Add((i, Environment.CurrentManagedThreadId))))];
        await Task.WhenAll(tasks);
        Assert.Equal(Enumerable.Range(0, 100), seen.Select(entry => entry.Item));
        Assert.Single(seen.Select(entry => entry.Thread).Distinct());
    }

    [Fact]
    public async Task The_thread_computes_with_the_threads_asked_for()
    {
        using TorchDevice device = TorchDevice.Create(DeviceChoice.Cpu, 1);
        Assert.Equal(1, await device.RunAsync(get_num_threads));
        Assert.Equal(DeviceType.CPU, device.Device.type);
    }

    [Fact]
    public async Task A_failure_reaches_who_awaits_it_and_the_device_goes_on()
    {
        using TorchDevice device = TorchDevice.Create(DeviceChoice.Cpu, 1);
        Task<int> failing = device.RunAsync<int>(() => throw new InputException("bad"));
        Assert.Equal("bad", (await Assert.ThrowsAsync<InputException>(() => failing)).Message);
        Assert.Equal(6f, await device.RunAsync(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            return (ones(3) * 2).sum().item<float>();
        }));
    }

    [Fact]
    public async Task Cancelled_work_is_not_started()
    {
        using TorchDevice device = TorchDevice.Create(DeviceChoice.Cpu, 1);
        using CancellationTokenSource source = new();
        using SemaphoreSlim gate = new(0);
        Task first = device.RunAsync(() => gate.Wait());
        bool ran = false;
        Task second = device.RunAsync(() => ran = true, source.Token);
        await source.CancelAsync();
        gate.Release();
        await first;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.False(ran);
    }

    [Fact]
    public void Cuda_without_a_cuda_libtorch_is_refused_by_name()
    {
        if (TorchLoader.HasCuda)
            return;
        Assert.Contains("cuda", Assert.Throws<InputException>(() => TorchDevice.Create(DeviceChoice.Cuda, 1)).Message);
        using TorchDevice device = TorchDevice.Create(DeviceChoice.Auto, 1);
        Assert.Equal(DeviceType.CPU, device.Device.type);
    }
}
