using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Definitions;
using Pipeline.Host.Hosting;
using Pipeline.Host.Progress;
using Pipeline.Stages.Torch;
using Spectre.Console;

namespace Pipeline.Host.Commands;

/// <summary>The options of every command that computes in a run folder: the definition, and how to work on it.</summary>
internal sealed class RunInput
{
    private readonly DefinitionInput _definition = new();

    private readonly Option<string?> _folder = new("--run") { Description = "The run folder. Default: runs/NAME.", HelpName = "DIR" };

    private readonly Option<int> _parallel = new("--parallel")
    {
        Description = "Threads of a stage that works record by record. The number never changes a result.",
        HelpName = "N",
        DefaultValueFactory = _ => Environment.ProcessorCount,
    };

    private readonly Option<bool> _plain = new("--plain") { Description = "Print lines instead of a live table, even in a terminal." };

    private readonly Option<string?> _libtorch = new("--libtorch")
    {
        Description = "A folder with another libtorch of the same minor version. The variable ALM_LIBTORCH does the same.",
        HelpName = "DIR",
    };

    public RunInput() => NumberRange.AddTo(_parallel, 1, 1024);

    public void AddTo(Command command)
    {
        _definition.AddTo(command);
        command.Options.Add(_folder);
        command.Options.Add(_parallel);
        command.Options.Add(_plain);
        command.Options.Add(_libtorch);
    }

    /// <summary>Runs a job with the definition. Its errors become those of the command.</summary>
    /// <param name="environment">What the command runs on.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="more">Further services for the job.</param>
    public Task RunAsync<TJob>(CommandEnvironment environment, ParseResult parsed, params object[] more)
        where TJob : class, IJob
        => RunAsync<TJob>(environment, parsed, through: null, from: null, more);

    /// <summary>Runs a job with the definition, or with some of its flows.</summary>
    /// <param name="environment">What the command runs on.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="through">The flow after which the run stops. Null stands for the last.</param>
    /// <param name="from">The first flow that is done again, together with all later ones. Null if none is.</param>
    /// <param name="more">Further services for the job.</param>
    /// <exception cref="DefinitionException">There is no such flow.</exception>
    public async Task RunAsync<TJob>(CommandEnvironment environment, ParseResult parsed, string? through, string? from, params object[] more)
        where TJob : class, IJob
    {
        var settings = new RunSettings
        {
            Through = through,
            From = from,
            Ranks = environment.Session.Ranks,
            Folder = parsed.GetValue(_folder),
            Parallelism = parsed.GetValue(_parallel),
            Plain = parsed.GetValue(_plain),
            LibTorch = parsed.GetValue(_libtorch),
        };
        // Before it is known whether the run needs torch, because nearly all do, and nothing else at the start takes as long.
        using var torch = TorchAhead.Begin(settings.LibTorch);
        StageCatalog catalog = environment.Catalog();
        var loader = new DefinitionLoader(catalog, environment.Storage);
        LoadedDefinition definition = _definition.Read(parsed, loader);
        foreach ((string option, string? flow) in new[] { ("--through", through), ("--from", from) })
        {
            if (flow is not null && definition.Definition.Flows.All(f => f.Name != flow))
                throw new DefinitionException($"{option}: there is no flow '{flow}'; flows: {string.Join(", ", definition.Definition.Flows.Select(f => f.Name))}");
        }
        // If there are several processes, only the first one shows progress.
        IProgressDisplay display = environment.IsTerminal && !settings.Plain && settings.Ranks.Rank == 0
            ? new TableDisplay(AnsiConsole.Console, environment.Time)
            : new PlainDisplay(settings.Ranks.Rank == 0 ? environment.Output : TextWriter.Null, environment.Time, settings.LineInterval);
        using (display as IDisposable)
        {
            using var own = new StopSignals();
            await AlmHost.RunAsync<TJob>(
                definition, loader, catalog, settings, environment.Signals ?? own, environment.Storage, environment.Time, display, more);
        }
    }
}
