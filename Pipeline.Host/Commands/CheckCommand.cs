using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Definitions;
using Pipeline.Host.Hosting;
using Pipeline.Host.Runs;

namespace Pipeline.Host.Commands;

/// <summary><c>alm check</c>: prints every error of a definition, or else the plan of the run that it describes.</summary>
internal static class CheckCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var input = new DefinitionInput();
        var folder = new Option<string?>("--run") { Description = "The run folder whose state is taken into account. Default: runs/NAME.", HelpName = "DIR" };
        var command = new Command("check", "Checks a definition and prints the plan: flows, stages, records, and what they will cost. Nothing is written.");
        input.AddTo(command);
        command.Options.Add(folder);
        command.SetAction(async parsed =>
        {
            StageCatalog catalog = environment.Catalog();
            var loader = new DefinitionLoader(catalog, environment.Storage);
            LoadedDefinition definition = input.Read(parsed, loader);
            var settings = new RunSettings { Folder = parsed.GetValue(folder) };
            // The plan is collected first, so that nothing of it is printed if the run would be refused.
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            var plan = new RunPlan(definition, loader, catalog, settings, environment.Storage, environment.Time, text);
            IReadOnlyList<string> warnings = await plan.PrintAsync();
            foreach (string warning in warnings)
                environment.Output.WriteLine(warning);
            environment.Output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{input.Path(parsed)}: no errors{Warnings(warnings.Count)}; {definition.Definition.Flows.Count} flow(s); hash {definition.Hash[..16]}"));
            environment.Output.Write(text.ToString());
            return ExitCodes.Success;
        });
        return command;
    }

    private static string Warnings(int count) => count switch
    {
        0 => "",
        1 => ", 1 warning",
        _ => string.Create(CultureInfo.InvariantCulture, $", {count} warnings"),
    };
}
