using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Watching;

namespace Pipeline.Host.Commands;

/// <summary><c>alm watch</c>: serves a page that shows a run in progress, from its folder alone.</summary>
internal static class WatchCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var path = new Argument<string>("RUN") { Description = "A run folder. Processes may be working in it, here or on another machine, or the run may be done." };
        var port = new Option<int>("--port") { Description = "The port, open to this machine only; 0 takes a free one.", HelpName = "N", DefaultValueFactory = _ => 8001 };
        NumberRange.AddTo(port, 0, ushort.MaxValue);
        var command = new Command("watch", "Shows a run in progress on a page for the browsers of this machine: flows, parts, rates, losses, time left, rejects, errors. It only reads the run folder. Ctrl-C stops it.");
        command.Arguments.Add(path);
        command.Options.Add(port);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var run = new WatchedRun(environment.Catalog(), environment.Storage, environment.Time, Path.GetFullPath(parsed.GetRequiredValue(path)));
            using var stop = new ServerStop(environment);
            await using var server = new WatchServer(run, parsed.GetValue(port));
            await server.StartAsync(cancellationToken);
            await environment.Output.WriteLineAsync($"watch {run.Folder} at {server.Url.ToString().TrimEnd('/')}");
            await environment.Output.FlushAsync(cancellationToken);
            await stop.WaitAsync(cancellationToken);
            await server.StopAsync();
            return ExitCodes.Success;
        });
        return command;
    }
}
