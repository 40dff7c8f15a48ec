using System.Diagnostics;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tests.Shards;

namespace Pipeline.FaultTests.Storage;

/// <summary>The bar, item 10, between processes.</summary>
public sealed class LockTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_lock_of_another_process_is_refused_with_its_name_and_free_as_soon_as_it_is_killed()
    {
        using Process holder = Start("hold");
        Assert.Equal("locked", holder.StandardOutput.ReadLine());
        LockedException e = Assert.Throws<LockedException>(() => _storage.Lock(_folder["lock"]));
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"process {holder.Id} "), e.Message, StringComparison.Ordinal);

        using (Process second = Start("try"))
        {
            string said = second.StandardOutput.ReadToEnd();
            second.WaitForExit();
            Assert.Equal(ExitCodes.Locked, second.ExitCode);
            Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"process {holder.Id} "), said, StringComparison.Ordinal);
        }

        holder.Kill();
        holder.WaitForExit();
        using (_storage.Lock(_folder["lock"]))
        {
            using Process third = Start("try");
            Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} "), third.StandardOutput.ReadToEnd(), StringComparison.Ordinal);
            third.WaitForExit();
            Assert.Equal(ExitCodes.Locked, third.ExitCode);
        }
    }

    private Process Start(string what) => Process.Start(new ProcessStartInfo(
        "dotnet", [Path.ChangeExtension(typeof(LockTests).Assembly.Location, ".dll"), what, _folder["lock"]])
    { RedirectStandardOutput = true })!;
}
