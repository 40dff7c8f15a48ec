using System.Diagnostics;

namespace Pipeline.FaultTests.Runs;

/// <summary>The moments at which a process of item 2 ends, without a word to anybody.</summary>
internal static class ExitPoint
{
    private static readonly string InCheckpoints = $"{Path.DirectorySeparatorChar}checkpoints{Path.DirectorySeparatorChar}";

    public static string[] Names { get; } =
        ["before-fsync", "before-rename", "after-rename", "before-folder-fsync", "mid-checkpoint", "before-old-leaves", "before-old-is-deleted", "after-old-is-deleted"];

    /// <summary>A storage at whose <paramref name="number"/>th (from 1) moment of that name this process is killed.</summary>
    public static FaultyDisk Storage(string name, int number)
    {
        int seen = 0;
        void Count(bool isMoment)
        {
            if (!isMoment || Interlocked.Increment(ref seen) != number)
                return;
            Process.GetCurrentProcess().Kill();
            Thread.Sleep(Timeout.Infinite);
        }
        return name switch
        {
            "before-fsync" => new FaultyDisk { Before = c => Count(c.Operation == "sync") },
            "before-rename" => new FaultyDisk { Before = c => Count(c.Operation == "rename") },
            "after-rename" => new FaultyDisk { After = c => Count(c.Operation == "rename") },
            "before-folder-fsync" => new FaultyDisk { Before = c => Count(c.Operation == "sync folder") },
            // The first file of a checkpoint is there, the second is about to be.
            "mid-checkpoint" => new FaultyDisk { Before = c => Count(c.Operation == "create" && c.Path.Contains(InCheckpoints, StringComparison.Ordinal) && c.Path.EndsWith("optimizer.safetensors", StringComparison.Ordinal)) },
            "before-old-leaves" => new FaultyDisk { Before = c => Count(IsLeaving(c)) },
            "before-old-is-deleted" => new FaultyDisk { Before = c => Count(IsDeletion(c)) },
            "after-old-is-deleted" => new FaultyDisk { After = c => Count(IsDeletion(c)) },
            _ => throw new ArgumentException($"no moment is called {name}", nameof(name)),
        };
    }

    private static bool IsLeaving(DiskCall call)
        => call.Operation == "rename" && call.Path.Contains(InCheckpoints, StringComparison.Ordinal)
            && Path.GetFileName(call.Path.Split(" -> ")[0]).StartsWith("step-", StringComparison.Ordinal);

    private static bool IsDeletion(DiskCall call) => call.Operation == "delete folder" && call.Path.Contains(InCheckpoints, StringComparison.Ordinal);
}
