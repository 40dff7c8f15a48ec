using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Artifacts;
using Pipeline.Host.Files;
using Pipeline.Host.Runs;
using Pipeline.Stages.Artifacts;

namespace Pipeline.Host.Commands;

/// <summary><c>alm repair</c>: deletes what <c>verify</c> finds damaged, so that the next run makes only that again.</summary>
internal static class RepairCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var path = new Argument<string>("RUN") { Description = "A run folder that no process is using." };
        var command = new Command("repair", "Removes only what verify finds damaged and what dead processes left behind. The next run makes just that again.");
        command.Arguments.Add(path);
        command.SetAction((parsed, cancellationToken) => Task.FromResult(
            Repair(environment, Path.TrimEndingDirectorySeparator(Path.GetFullPath(parsed.GetRequiredValue(path))), cancellationToken)));
        return command;
    }

    private static int Repair(CommandEnvironment environment, string folder, CancellationToken cancellationToken)
    {
        IStorage storage = environment.Storage;
        if (!new RunFolderArtifact().Recognises(storage, folder))
            throw new InputException($"{folder} is not a run folder: it has no {RunFiles.Definition}");
        using IDisposable held = storage.Lock(Path.Combine(folder, RunFiles.Lock));
        IReadOnlyList<string> left = Staging.CleanDead(storage, folder);
        IReadOnlyList<Finding> findings = VerifyCommand.Verify(environment, folder, cancellationToken);
        IReadOnlyList<string> deleted = ArtifactRepair.Apply(storage, findings);
        foreach (string path in deleted)
            environment.Output.WriteLine($"removed {path}");
        bool isIncomplete = deleted.Count > 0 || findings.Any(f => f.Kind == FindingKind.Missing);
        if (isIncomplete)
            RunProgress.Read(storage, folder).Reopen();
        environment.Output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"removed {deleted.Count} damaged and {left.Count} left over{(isIncomplete ? "; run the definition again to make them again" : "")}"));
        List<Finding> foreign = [.. findings.Where(f => f.Kind == FindingKind.Foreign)];
        if (foreign.Count > 0)
            environment.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{foreign.Count} not made by this run were left alone: move them away yourself"));
        return ExitCodes.Success;
    }
}
