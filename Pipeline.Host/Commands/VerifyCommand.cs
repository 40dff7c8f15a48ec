using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Host.Artifacts;
using Pipeline.Stages.Artifacts;
using Pipeline.Stages.Shards;

namespace Pipeline.Host.Commands;

/// <summary><c>alm verify</c>: checks all checksums in a folder and below it.</summary>
internal static class VerifyCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var path = new Argument<string>("PATH") { Description = "A run folder, anything inside one, or a folder of run folders." };
        var command = new Command("verify", "Checks every checksum of shards, checkpoints and exported models and names what is wrong. Exit code 65 when something is.");
        command.Arguments.Add(path);
        command.SetAction((parsed, cancellationToken) =>
        {
            string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(parsed.GetRequiredValue(path)));
            IReadOnlyList<Finding> findings = environment.Storage.FileExists(full) && !environment.Storage.DirectoryExists(full)
                ? VerifyFile(environment, full, cancellationToken)
                : Verify(environment, full, cancellationToken);
            // Leftovers are unfinished output of a process, which may still be running. Nobody has promised that they are valid.
            return Task.FromResult(findings.All(f => f.Kind == FindingKind.Leftover) ? ExitCodes.Success : ExitCodes.Input);
        });
        return command;
    }

    /// <summary>Verifies a folder, and prints what is wrong and how much was checked.</summary>
    /// <exception cref="InputException">There is no such folder.</exception>
    public static IReadOnlyList<Finding> Verify(CommandEnvironment environment, string folder, CancellationToken cancellationToken)
    {
        long start = environment.Time.GetTimestamp();
        VerificationReport report = ArtifactVerifier.Verify(environment.Storage, folder, cancellationToken);
        double seconds = environment.Time.GetElapsedTime(start).TotalSeconds;
        List<Finding> findings = [.. RunFolderArtifact.Verify(environment.Storage, folder), .. report.Findings];
        foreach (Finding finding in findings)
        {
            environment.Output.WriteLine($"{finding.Kind.ToString().ToLowerInvariant()}: {finding.Message}");
        }
        environment.Output.WriteLine(report.Intact == 0 && report.Findings.Count == 0
            ? "nothing here has a checksum"
            : string.Create(CultureInfo.InvariantCulture, $"{report.Intact} files are intact, {report.Bytes:N0} bytes in {seconds:F2} s ({report.Bytes / Math.Max(seconds, 1e-9) / 1e9:F2} GB/s)"));
        environment.Output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{findings.Count(f => f.Kind != FindingKind.Leftover)} wrong, {findings.Count(f => f.Kind == FindingKind.Leftover)} left over"));
        return findings;
    }

    private static List<Finding> VerifyFile(CommandEnvironment environment, string file, CancellationToken cancellationToken)
    {
        if (!file.EndsWith(ShardFormat.Extension, StringComparison.Ordinal))
            throw new InputException($"{file} has no checksum of its own; verify the folder it is in");
        try
        {
            ShardReader.Open(environment.Storage, file).Verify(cancellationToken);
            environment.Output.WriteLine($"{file} is intact");
            return [];
        }
        catch (DamagedException e)
        {
            environment.Output.WriteLine($"damaged: {e.Message}");
            return [new Finding(FindingKind.Damaged, file, e.Message)];
        }
    }
}
