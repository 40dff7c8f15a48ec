using System.Diagnostics;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tests.Shards;
using Xunit.Abstractions;

namespace Pipeline.FaultTests.Storage;

/// <summary>The bar, item 6, on a real file system of 8 MiB, where the tests may mount one. <see cref="FailingCallTests"/> has every size in memory.</summary>
public sealed class DiskFullTests(ITestOutputHelper output) : IDisposable
{
    private const int WeightBytes = 3 << 20;
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private bool _mounted;

    public void Dispose()
    {
        if (_mounted)
            Execute("umount", _folder["small"]);
        _folder.Dispose();
    }

    [Theory]
    [InlineData(8 << 20)]
    [InlineData(7000 << 10)]
    [InlineData(3 << 20)]
    [InlineData(40)]
    public void A_full_disk_is_named_with_path_and_bytes_and_with_room_the_rerun_is_identical(int freeBytes)
    {
        Directory.CreateDirectory(_folder["small"]);
        _mounted = OperatingSystem.IsLinux() && Execute("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", _folder["small"]) == 0;
        if (!_mounted)
        {
            output.WriteLine("skipped: mounting a small file system needs root");
            return;
        }
        if (freeBytes < 8 << 20)
            File.WriteAllBytes(_folder["small/filler"], new byte[(8 << 20) - freeBytes - 4096]);

        StorageException e = Assert.Throws<StorageException>(() => Job.Run(_storage, _folder["small/run"], weightBytes: WeightBytes));
        output.WriteLine(e.Message);
        Assert.Contains(_folder["small/run"], e.Message, StringComparison.Ordinal);
        Assert.Contains("no space is left", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_folder["small"], "*", SearchOption.AllDirectories), Staging.IsStaging);

        Assert.Equal(0, Execute("mount", "-o", "remount,size=64m", _folder["small"]));
        Job.Run(_storage, _folder["small/run"], weightBytes: WeightBytes);
        Job.Run(_storage, _folder["clean"], weightBytes: WeightBytes);
        Assert.Equal(Files(_folder["clean"]), Files(_folder["small/run"]));
    }

    private static SortedDictionary<string, string> Files(string folder)
        => new(Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(p => !Path.GetFileName(p).StartsWith(".lock", StringComparison.Ordinal))
            .ToDictionary(p => Path.GetRelativePath(folder, p), p => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(p)))));

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
