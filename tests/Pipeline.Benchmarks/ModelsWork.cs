using System.Diagnostics;
using System.Globalization;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>What the model benchmarks share: clocks, peaks of memory, the machine's own matrix speed.</summary>
internal static class ModelsWork
{
    /// <summary>Seconds of each run, the first left out: it warms up.</summary>
    public static Clocks Time(int runs, Action work)
    {
        work();
        double[] wall = new double[runs], processor = new double[runs];
        for (int i = 0; i < runs; i++)
            (wall[i], processor[i]) = Once(work);
        return new Clocks(wall, processor);
    }

    /// <summary>Wall clock and processor seconds of one run; on a machine that others use, only the second can be compared.</summary>
    public static (double Wall, double Processor) Once(Action work)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        work();
        return (Stopwatch.GetElapsedTime(start).TotalSeconds, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
    }

    public static async Task<double> SecondsAsync(Func<Task> work)
    {
        long start = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Peak resident memory of the work above what was there before, in bytes (Linux).</summary>
    public static long PeakAbove(Action work)
    {
        GC.Collect();
        File.WriteAllText("/proc/self/clear_refs", "5");
        long before = Status("VmRSS:");
        work();
        return Status("VmHWM:") - before;
    }

    /// <summary>Multiply-adds times two per second in the type that the device computes in, best of five: 2,048 squared, on a card 8,192.</summary>
    public static double MatrixSpeed(TorchDevice device)
    {
        using var scope = NewDisposeScope();
        bool card = device.Device.type == DeviceType.CUDA;
        double size = card ? 8192 : 2048;
        Tensor a = randn([(long)size, (long)size], device: device.Device).to(device.ComputeType), b = randn([(long)size, (long)size], device: device.Device).to(device.ComputeType);
        return 2 * size * size * size / Time(5, () =>
        {
            matmul(a, b).Dispose();
            if (card)
                cuda.synchronize();
        }).Wall.Min();
    }

    /// <summary>Bytes of the card that this process holds, as its driver counts them.</summary>
    public static long HeldOfCard()
    {
        using Process query = Process.Start(new ProcessStartInfo("nvidia-smi", ["--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]) { RedirectStandardOutput = true })!;
        string[][] lines = [.. query.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(", "))];
        return lines.Where(l => l[0] == Environment.ProcessId.ToString(CultureInfo.InvariantCulture)).Sum(l => long.Parse(l[1], CultureInfo.InvariantCulture) << 20);
    }

    public static long Status(string key)
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith(key, StringComparison.Ordinal));
        return 1024 * long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
    }

    /// <summary>Seconds per run.</summary>
    internal sealed record Clocks(double[] Wall, double[] Processor);
}
