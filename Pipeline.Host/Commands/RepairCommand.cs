using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Artifacts;
using Pipeline.Host.Runs;

namespace Pipeline.Host.Commands;

/// <summary><c>alm repair</c>: removes what <c>verify</c> finds bad, so that the next run makes only that anew.</summary>
internal static class RepairCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var path = new Argument<string>("DIR") { Description = "A run folder." };
        var command = new Command("repair", "Removes only what verify finds bad and what dead processes left; the next run makes only that anew.");
        command.Arguments.Add(path);
        command.SetAction(parsed => Repair(environment, Path.GetFullPath(parsed.GetRequiredValue(path))));
        return command;
    }

    private static int Repair(CommandEnvironment environment, string folder)
    {
        IStorage storage = environment.Storage;
        if (!new RunFolderArtifact().Recognises(storage, folder))
            throw new InputException($"{folder} is no run folder: it has no {RunFiles.Definition}");
        using IDisposable held = storage.Lock(Path.Combine(folder, RunFiles.Lock));
        IReadOnlyList<string> left = Staging.Clean(storage, folder, exclusive: true);
        List<string> bad = VerifyCommand.Faults(environment, folder).SelectMany(f => f.Remove).Distinct().ToList();
        foreach (string path in bad)
            Remove(storage, folder, path);
        if (bad.Count > 0)
            RunProgress.Read(storage, folder).Reopen();
        environment.Output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"removed {bad.Count} bad and {left.Count} left over{(bad.Count > 0 ? "; run the definition again to make them anew" : "")}"));
        return ExitCodes.Success;
    }

    // A manifest that a stranger wrote may name anything.
    private static void Remove(IStorage storage, string folder, string path)
    {
        if (!Path.GetFullPath(path).StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw new InputException($"{path} is not below {folder}; it was not removed");
        if (storage.DirectoryExists(path))
            storage.DeleteDirectory(path);
        else if (storage.FileExists(path))
            storage.DeleteFile(path);
    }
}
