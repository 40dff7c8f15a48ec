using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;
using Pipeline.Contracts.Formats;
using Pipeline.Host.Artifacts;

namespace Pipeline.Host.Commands;

/// <summary><c>alm inspect</c>: prints what a file or folder is, and what it contains.</summary>
internal static class InspectCommand
{
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create(CommandEnvironment environment)
    {
        string kinds = string.Join(", ", environment.Artifacts.Select(k => k.Name));
        var path = new Argument<string>("PATH") { Description = $"A file or folder: {kinds}." };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("inspect", "Prints what a file or folder is and what it holds. For two tokenizers on a sample of text: alm inspect pair.");
        command.Arguments.Add(path);
        command.Options.Add(json);
        command.Subcommands.Add(InspectPairCommand.Create(environment));
        command.SetAction(parsed =>
        {
            string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(parsed.GetRequiredValue(path)));
            if (!environment.Storage.FileExists(full) && !environment.Storage.DirectoryExists(full))
                throw new InputException($"{full} does not exist");
            IArtifactKind kind = environment.Artifacts.Of(environment.Storage, full)
                ?? throw new InputException($"{full} is not a kind of file or folder that alm knows{FolderForm.Tell(environment.Storage, full, ModelConfig.FileName)}; it knows: {kinds}");
            ArtifactFacts facts = kind.Inspect(environment.Storage, full);
            if (parsed.GetValue(json))
                environment.Output.WriteLine(facts.Json.ToJsonString(Layout));
            else
                Print(environment.Output, $"{kind.Name} {full}", facts);
            return ExitCodes.Success;
        });
        return command;
    }

    private static void Print(TextWriter output, string title, ArtifactFacts facts)
    {
        output.WriteLine(title);
        foreach (string line in TextTable.Lines([.. facts.Rows.Select(r => (IReadOnlyList<string>)[r.Name, r.Value])]))
            output.WriteLine("  " + line);
    }
}
