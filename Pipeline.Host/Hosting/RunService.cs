using Microsoft.Extensions.Hosting;
using Pipeline.Host.Runs;

namespace Pipeline.Host.Hosting;

/// <summary>The one hosted service: runs the flows, then ends the host. Its error is the command's.</summary>
internal sealed class RunService(RunExecutor executor, IHostApplicationLifetime lifetime) : BackgroundService
{
    private readonly TaskCompletionSource _outcome = new();

    /// <summary>Completes as the run did.</summary>
    public Task Outcome => _outcome.Task;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // A source may work without ever waiting: the host must have started by then.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await executor.RunAsync();
            _outcome.SetResult();
        }
#pragma warning disable CA1031 // Handed over to the command, which makes an exit code of it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _outcome.SetException(e);
        }
        lifetime.StopApplication();
    }
}
