using System.CommandLine;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;

namespace Pipeline.Host.Commands;

/// <summary><c>alm schema</c>: prints the JSON schema of definitions, for editors.</summary>
internal static class SchemaCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var output = new Option<string?>("--output", "-o") { Description = "The file to write. Default: standard output.", HelpName = "FILE" };
        var command = new Command("schema", "Prints the JSON schema of definition files: every stage, every key, its range and default.");
        command.Options.Add(output);
        command.SetAction(parsed =>
        {
            string schema = new DefinitionSchema(environment.Catalog()).Write();
            if (parsed.GetValue(output) is { } path)
                environment.Storage.WriteAtomically(Path.GetFullPath(path), stream => stream.Write(Encoding.UTF8.GetBytes(schema)));
            else
                environment.Output.Write(schema);
            return ExitCodes.Success;
        });
        return command;
    }
}
