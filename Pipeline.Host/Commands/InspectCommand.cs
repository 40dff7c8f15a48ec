using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Artifacts;

namespace Pipeline.Host.Commands;

/// <summary><c>alm inspect</c>: what any artifact is.</summary>
internal static class InspectCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var path = new Argument<string>("PATH") { Description = $"A file or folder: {string.Join(", ", environment.Artifacts.Select(k => k.Name))}." };
        var command = new Command("inspect", "Prints what a file or folder is and what it holds.");
        command.Arguments.Add(path);
        command.SetAction(parsed =>
        {
            string full = Path.GetFullPath(parsed.GetRequiredValue(path));
            if (!environment.Storage.FileExists(full) && !environment.Storage.DirectoryExists(full))
                throw new InputException($"{full} is not there");
            IArtifactKind kind = environment.Artifacts.Of(environment.Storage, full)
                ?? throw new InputException($"{full} is nothing that alm knows; expected a {string.Join(", a ", environment.Artifacts.Select(k => k.Name))}");
            kind.Inspect(environment.Storage, full, environment.Output);
            return ExitCodes.Success;
        });
        return command;
    }
}
