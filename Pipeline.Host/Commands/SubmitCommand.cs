using System.CommandLine;
using System.Diagnostics;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;
using Pipeline.Host.Hosting;
using Pipeline.Host.Jobs;
using Pipeline.Host.Runs;

namespace Pipeline.Host.Commands;

/// <summary><c>alm submit</c>: writes the jobs of a definition for a scheduler, and starts them if asked to.</summary>
internal static class SubmitCommand
{
    private static readonly IJobEngine[] Engines = [new SlurmJobs(), new KubernetesJobs()];

    public static Command Create(CommandEnvironment environment)
    {
        var input = new DefinitionInput();
        var options = new SubmitOptions([.. Engines.Select(e => e.Name)]);
        var command = new Command(
            "submit",
            "Creates the run folder and writes job files for a scheduler into RUN/jobs: an array for each flow with several parts, then one job for the rest. The run folder must be on a file system that every node sees.");
        input.AddTo(command);
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            var loader = new DefinitionLoader(environment.Catalog(), environment.Storage);
            LoadedDefinition definition = input.Load(parsed, loader);
            IJobEngine engine = Engines.First(e => e.Name == options.Engine(parsed));
            string folder = RunFolder.Join(environment.Storage, RunExecutor.FolderOf(definition.Definition, new RunSettings { Folder = options.Folder(parsed) }), definition, loader, environment.Time);
            string jobs = Path.Combine(folder, RunFiles.Jobs, engine.Name);
            IReadOnlyList<JobFile> files = engine.Write(
                definition.Definition.Name, Steps(environment, definition, folder, options.Resources(parsed)), options.Resources(parsed),
                options.Alm(parsed), Directory.GetCurrentDirectory(), jobs);
            foreach (JobFile file in files)
            {
                environment.Storage.WriteAtomically(Path.Combine(jobs, file.Name), stream => stream.Write(Encoding.UTF8.GetBytes(file.Content)));
                environment.Output.WriteLine($"wrote {Path.Combine(jobs, file.Name)}");
            }
            if (options.IsStarted(parsed))
                Start(environment, engine, Path.Combine(jobs, "submit.sh"));
            else
                environment.Output.WriteLine($"to start: bash {ShellText.Quote(Path.Combine(jobs, "submit.sh"))}");
            environment.Output.WriteLine($"to watch: {engine.Watch}; alm status {ShellText.Quote(folder)}");
            environment.Output.WriteLine("to continue after a failure: start the same jobs again; what is committed is skipped");
            return ExitCodes.Success;
        });
        return command;
    }

    private static IReadOnlyList<JobStep> Steps(CommandEnvironment environment, LoadedDefinition definition, string folder, JobResources resources)
    {
        using var stages = new UnrunStages(definition.Definition, folder, environment.Catalog(), environment.Storage, environment.Time);
        // The jobs read the definition that is kept in the run folder, with every --set applied and as it is now.
        return JobPlan.Of(
            definition.Definition, [.. definition.Definition.Flows.Select(f => CommittedParts.Of(f, stages.Surroundings))],
            Path.Combine(folder, RunFiles.Definition), folder, resources.Tasks);
    }

    /// <summary>Starts the jobs.</summary>
    /// <exception cref="InputException">The scheduler's command does not exist, or has refused the jobs.</exception>
    private static void Start(CommandEnvironment environment, IJobEngine engine, string script)
    {
        bool isThere = (environment.Variable("PATH") ?? "").Split(Path.PathSeparator).Any(p => p.Length > 0 && File.Exists(Path.Combine(p, engine.Command)));
        if (!isThere)
            throw new InputException($"--start: {engine.Command} is not on the PATH. The job files are written: run bash {script} where it is");
        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(script);
        start.Environment["PATH"] = environment.Variable("PATH");
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        environment.Output.Write(process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InputException($"--start: {script} ended with {process.ExitCode}: {error.GetAwaiter().GetResult().Trim()}");
    }
}
