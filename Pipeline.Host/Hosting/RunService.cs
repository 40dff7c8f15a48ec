using Microsoft.Extensions.Hosting;

namespace Pipeline.Host.Hosting;

/// <summary>The one hosted service: runs the job, then ends the host. Its error is the command's.</summary>
internal sealed class RunService(IJob job, IHostApplicationLifetime lifetime) : BackgroundService
{
    private readonly TaskCompletionSource _outcome = new();

    /// <summary>Completes as the run did.</summary>
    public Task Outcome => _outcome.Task;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await StartedAsync(stoppingToken);
            await job.RunAsync();
            _outcome.SetResult();
        }
#pragma warning disable CA1031 // Passed to the command, which turns it into an exit code.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _outcome.SetException(e);
        }
        lifetime.StopApplication();
    }

    // A run that is refused at once must not stop a host that is still starting.
    private async Task StartedAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = lifetime.ApplicationStarted.Register(() => started.TrySetResult());
        await started.Task.WaitAsync(stoppingToken);
    }
}
