using System.Collections.Concurrent;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>
/// A device, and the single thread that works on it. Each thread that calls torch gets its own OpenMP threads, and dispose scopes belong to a thread.
/// Therefore all work of a device goes through one queue, and is done in the order in which it was given.
/// </summary>
public sealed class TorchDevice : IDisposable
{
    private readonly BlockingCollection<Action> _queue = [];
    private readonly Thread _thread;

    private TorchDevice(Device device, int threads, ScalarType? computeType)
    {
        Device = device;
        Threads = threads;
        ComputeType = computeType ?? (device.type == DeviceType.CUDA ? ScalarType.BFloat16 : ScalarType.Float32);
        _thread = new Thread(Work) { IsBackground = true, Name = $"torch {device}" };
        _thread.Start();
    }

    public Device Device { get; }

    /// <summary>What 0 threads stand for. Only tests change it.</summary>
    internal static int DefaultThreads { get; set; } = Environment.ProcessorCount;

    /// <summary>The type of weights and activations: float32 on the CPU, where bfloat16 is far slower, and bfloat16 on CUDA.</summary>
    public ScalarType ComputeType { get; }

    /// <summary>
    /// The number of CPU threads that torch computes with. Results depend on it, so a resume to the same bits needs the same number. The number belongs to the
    /// process: it is that of the device that began last.
    /// </summary>
    public int Threads { get; }

    /// <summary>Loads torch if it is not loaded yet, and starts the device's thread.</summary>
    /// <param name="choice">Which device.</param>
    /// <param name="threads">The number of CPU threads for torch; 0 for as many as there are processors.</param>
    /// <param name="libtorchFolder">Another libtorch; see <see cref="TorchLoader.Load"/>.</param>
    /// <param name="card">Which GPU, if there are several. The number wraps around.</param>
    /// <exception cref="InputException">CUDA was asked for and is not available.</exception>
    public static TorchDevice Create(DeviceChoice choice, int threads, string? libtorchFolder = null, int card = 0) => Create(choice, threads, libtorchFolder, null, card);

    /// <summary>Creates the device that one side of a run names.</summary>
    /// <param name="name">See <see cref="DeviceName"/>; null for the device of the run.</param>
    /// <param name="run">The device of the run.</param>
    /// <param name="threads">The number of CPU threads for torch; 0 for as many as there are processors.</param>
    /// <param name="libtorchFolder">Another libtorch; see <see cref="TorchLoader.Load"/>.</param>
    /// <param name="card">The GPU of this process, if the name has none.</param>
    /// <exception cref="InputException">CUDA was asked for and is not available, or there is no such GPU.</exception>
    public static TorchDevice Create(string? name, DeviceChoice run, int threads, string? libtorchFolder, int card)
    {
        (DeviceChoice choice, int? named) = name is null ? (run, null) : DeviceName.Parse(name);
        TorchDevice device = Create(choice, threads, libtorchFolder, named ?? card);
        if (named is not { } wanted || device.Device.index == wanted) return device;
        device.Dispose();
        throw new InputException($"device {name}: this machine has {cuda.device_count()} GPUs, counted from 0");
    }

    /// <summary>As above, with the type to compute in. Tests compare CUDA with float32.</summary>
    internal static TorchDevice Create(DeviceChoice choice, int threads, string? libtorchFolder, ScalarType? computeType, int card = 0)
    {
        TorchLoader.Load(libtorchFolder);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        return new TorchDevice(Choose(choice, card), threads == 0 ? DefaultThreads : threads, computeType);
    }

    /// <summary>Queues work for the device's thread.</summary>
    /// <param name="work">The work. It must not wait for other work of the same device.</param>
    /// <param name="cancellation">Cancels the work if it has not begun.</param>
    /// <returns>Its result, or whatever it throws.</returns>
    public Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellation = default)
    {
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _queue.Add(
            () =>
            {
                if (cancellation.IsCancellationRequested)
                {
                    done.SetCanceled(cancellation);
                    return;
                }

                try
                {
                    done.SetResult(work());
                }
                catch (OperationCanceledException e) when (cancellation.IsCancellationRequested)
                {
                    done.SetCanceled(e.CancellationToken);
                }
                catch (Exception e)
                {
                    // Every failure is passed to whoever awaits the work, and never ends the device's thread.
                    done.SetException(e);
                }
            },
            CancellationToken.None);
        return done.Task;
    }

    public Task RunAsync(Action work, CancellationToken cancellation = default) => RunAsync(
        () =>
        {
            work();
            return true;
        },
        cancellation);

    /// <summary>Finishes the queued work and ends the thread.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        if (Thread.CurrentThread != _thread)
            _thread.Join();
        _queue.Dispose();
    }

    private static Device Choose(DeviceChoice choice, int card)
    {
        if (choice == DeviceChoice.Cpu)
            return new Device(DeviceType.CPU);
        if (TorchLoader.HasCuda && TryInitializeDeviceType(DeviceType.CUDA) && cuda.is_available())
        {
            DeterministicKernels.Use();
            return new Device(DeviceType.CUDA, card % Math.Max(1, cuda.device_count()));
        }
        if (choice == DeviceChoice.Auto)
            return new Device(DeviceType.CPU);
        throw new InputException(TorchLoader.HasCuda
            ? $"device cuda: the libtorch in {TorchLoader.LoadedFrom} has CUDA but sees no usable device"
            : $"device cuda: the libtorch in {TorchLoader.LoadedFrom} has no CUDA support; build with -p:Torch=cuda or set ALM_LIBTORCH to a CUDA libtorch {LibtorchVersion.Wanted}");
    }

    private void Work()
    {
        set_num_threads(Threads);
        foreach (Action work in _queue.GetConsumingEnumerable())
            work();
    }
}
