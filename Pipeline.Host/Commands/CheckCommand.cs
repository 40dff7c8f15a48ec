using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Definitions;
using Pipeline.Host.Hosting;
using Pipeline.Host.Runs;

namespace Pipeline.Host.Commands;

/// <summary><c>alm check</c>: every error of a definition, or the plan of the run it describes.</summary>
internal static class CheckCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var input = new DefinitionInput();
        var folder = new Option<string?>("--run") { Description = "The run folder whose state is taken into account; runs/NAME when not given.", HelpName = "DIR" };
        var command = new Command("check", "Checks a definition and prints the plan: flows, stages, records, and what they will take. Nothing is written.");
        input.AddTo(command);
        command.Options.Add(folder);
        command.SetAction(async parsed =>
        {
            StageCatalog catalog = environment.Catalog();
            var loader = new DefinitionLoader(catalog, environment.Storage);
            LoadedDefinition definition = input.Load(parsed, loader);
            var settings = new RunSettings { Folder = parsed.GetValue(folder) };
            environment.Output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{input.Path(parsed)}: no errors; {definition.Definition.Flows.Count} flow(s); hash {definition.Hash[..16]}"));
            var plan = new RunPlan(definition, loader, catalog, settings, environment.Storage, environment.Time, environment.Output);
            await plan.PrintAsync();
            return ExitCodes.Success;
        });
        return command;
    }
}
