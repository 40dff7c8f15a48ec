using System.Globalization;
using System.Runtime.InteropServices;

namespace Pipeline.FaultTests.Runs;

/// <summary>A process that may have no more memory than it has, and a little, from the moment a file is begun.</summary>
internal static partial class MemoryLimit
{
    private const int DataSegment = 2;
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
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith(Mark, StringComparison.Ordinal));
        ulong bytes = (ulong)((long.Parse(line[Mark.Length..^2], CultureInfo.InvariantCulture) * 1024) + moreBytes);
        if (SetLimit(DataSegment, [bytes, bytes]) != 0)
            throw new InvalidOperationException("the limit of memory could not be set");
    }

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, ulong[] limits);
}
