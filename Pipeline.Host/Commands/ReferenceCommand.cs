using System.CommandLine;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Reference;

namespace Pipeline.Host.Commands;

/// <summary><c>alm reference</c>: writes the reference pages of every key of definitions and every option of commands.</summary>
internal static class ReferenceCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var folder = new Argument<string>("folder") { Description = "The folder for the pages. Pages of the same name are replaced; other files are left alone.", HelpName = "FOLDER" };
        var command = new Command("reference", "Writes a Markdown page for every stage, teacher and command: what it does, its keys or options, their ranges and defaults.");
        command.Arguments.Add(folder);
        command.SetAction(parsed =>
        {
            foreach ((string path, string text) in ReferencePages.Of(environment.Catalog(), AlmCommandLine.Root(environment)))
            {
                string file = Path.GetFullPath(Path.Combine(parsed.GetValue(folder)!, path));
                environment.Storage.WriteAtomically(file, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
            }
            return ExitCodes.Success;
        });
        return command;
    }
}
