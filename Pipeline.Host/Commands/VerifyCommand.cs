using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Artifacts;

namespace Pipeline.Host.Commands;

/// <summary><c>alm verify</c>: checks every checksum below a folder.</summary>
internal static class VerifyCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var path = new Argument<string>("DIR") { Description = "A run folder, or anything in one." };
        var command = new Command("verify", "Checks every checksum of a run folder and names what is wrong. Exit code 65 when something is.");
        command.Arguments.Add(path);
        command.SetAction(parsed =>
        {
            List<ArtifactFault> faults = Faults(environment, parsed.GetRequiredValue(path));
            return faults.Count == 0 ? ExitCodes.Success : ExitCodes.Input;
        });
        return command;
    }

    /// <summary>Verifies and prints every fault.</summary>
    /// <exception cref="InputException">The path is not there.</exception>
    public static List<ArtifactFault> Faults(CommandEnvironment environment, string path)
    {
        string full = Path.GetFullPath(path);
        if (!environment.Storage.FileExists(full) && !environment.Storage.DirectoryExists(full))
            throw new InputException($"{full} is not there");
        var walk = new ArtifactWalk(environment.Storage, environment.Artifacts);
        var faults = new List<ArtifactFault>();
        var checkedKinds = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach ((IArtifactKind kind, string at) in walk.Below(full))
        {
            checkedKinds[kind.Name] = checkedKinds.GetValueOrDefault(kind.Name) + 1;
            foreach (ArtifactFault fault in kind.Verify(environment.Storage, at))
            {
                faults.Add(fault);
                environment.Output.WriteLine($"{fault.Path}: {fault.What}");
            }
        }
        string what = string.Join(", ", checkedKinds.Select(k => string.Create(CultureInfo.InvariantCulture, $"{k.Value} {k.Key}(s)")));
        environment.Output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"checked {(what.Length == 0 ? "nothing" : what)}; {faults.Count} fault(s); {walk.Unknown} other file(s) have no checksum"));
        return faults;
    }
}
