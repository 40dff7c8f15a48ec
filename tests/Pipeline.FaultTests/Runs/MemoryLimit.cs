using System.Globalization;
using System.Runtime.InteropServices;
using Pipeline.Contracts.Definitions;
using Pipeline.Stages.Tests.Torch;
using TorchSharp;

namespace Pipeline.FaultTests.Runs;

/// <summary>A process that may have no more memory than it has, and a little, from the moment a file is begun.</summary>
internal static partial class MemoryLimit
{
    private const int DataSegment = 2;
    private static readonly List<torch.Tensor> Ballast = [];
    private const string Mark = "VmData:";

    /// <summary>A storage that sets the limit when a path that ends so is touched for the first time.</summary>
    public static FaultyDisk Storage(string ending, long moreBytes)
    {
        int set = 0;
        return new FaultyDisk
        {
            Before = call =>
            {
                if (call.Path.EndsWith(ending, StringComparison.Ordinal) && Interlocked.Exchange(ref set, 1) == 0)
                    Limit(moreBytes);
            },
        };
    }

    // RLIMIT_DATA: what is private and writable, which is what torch's allocator asks for.
    private static void Limit(long moreBytes)
    {
        if (TestDevice.Choice == DeviceChoice.Cuda)
        {
            FillCard(moreBytes);
            return;
        }
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith(Mark, StringComparison.Ordinal));
        ulong bytes = (ulong)((long.Parse(line[Mark.Length..^2], CultureInfo.InvariantCulture) * 1024) + moreBytes);
        if (SetLimit(DataSegment, [bytes, bytes]) != 0)
            throw new InvalidOperationException("the limit of memory could not be set");
    }

    // A card knows no limit of a process: all but so much of it is taken.
    private static void FillCard(long moreBytes)
    {
        for (long part = 16L << 30; part >= 16 << 20; part /= 2)
        {
            while (Taken(part))
            {
            }
        }
        for (long free = 0; free < moreBytes; Ballast.RemoveAt(Ballast.Count - 1))
        {
            free += Ballast[^1].numel();
            Ballast[^1].Dispose();
        }
    }

    private static bool Taken(long bytes)
    {
        try
        {
            Ballast.Add(torch.empty([bytes], dtype: torch.ScalarType.Byte, device: torch.CUDA).DetachFromDisposeScope());
            return true;
        }
        catch (ExternalException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, ulong[] limits);
}
