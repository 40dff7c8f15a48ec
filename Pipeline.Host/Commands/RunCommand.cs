using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Definitions;
using Pipeline.Host.Hosting;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs;
using Spectre.Console;

namespace Pipeline.Host.Commands;

/// <summary><c>alm run</c>: runs a definition, or goes on where it was stopped.</summary>
internal static class RunCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var input = new DefinitionInput();
        var folder = new Option<string?>("--run") { Description = "The run folder; runs/NAME when not given.", HelpName = "DIR" };
        var parallel = new Option<int>("--parallel")
        {
            Description = "Threads of a stage that works record by record. It never changes a result.",
            HelpName = "N",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        parallel.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 1024)
                result.AddError($"--parallel: found {result.Tokens[0].Value}, expected 1..1024");
        });
        var plain = new Option<bool>("--plain") { Description = "Lines instead of a live table, also in a terminal." };
        var libtorch = new Option<string?>("--libtorch") { Description = "A folder with another libtorch of the same minor version; ALM_LIBTORCH says the same.", HelpName = "DIR" };
        var command = new Command("run", "Runs a definition. Run the same command again to go on after a stop, a kill or an error: what is committed is kept.");
        input.AddTo(command);
        command.Options.Add(folder);
        command.Options.Add(parallel);
        command.Options.Add(plain);
        command.Options.Add(libtorch);
        command.SetAction(async parsed =>
        {
            var settings = new RunSettings
            {
                Folder = parsed.GetValue(folder),
                Parallelism = parsed.GetValue(parallel),
                Plain = parsed.GetValue(plain),
                LibTorch = parsed.GetValue(libtorch),
            };
            await RunAsync(environment, loader => input.Load(parsed, loader), settings);
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task RunAsync(CommandEnvironment environment, Func<DefinitionLoader, LoadedDefinition> load, RunSettings settings)
    {
        StageCatalog catalog = environment.Catalog();
        var loader = new DefinitionLoader(catalog, environment.Storage);
        LoadedDefinition definition = load(loader);
        IProgressDisplay display = environment.IsTerminal && !settings.Plain
            ? new TableDisplay(AnsiConsole.Console, environment.Time)
            : new PlainDisplay(environment.Output, environment.Time, settings.LineInterval);
        using (display as IDisposable)
        {
            using var own = new StopSignals();
            await AlmHost.RunAsync(
                definition, loader, catalog, settings, environment.Signals ?? own, environment.Storage, environment.Time, display);
        }
    }
}
