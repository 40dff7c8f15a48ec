using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Stages;

namespace Pipeline.FaultTests.Runs;

/// <summary>The program's command line in this process: no start-up, and a storage or a stage of the test's own.</summary>
internal static class InProcess
{
    /// <summary>Far more than a tiny run takes on a busy machine.</summary>
    public static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(4);

    public static AlmEnd Run(IStorage storage, string[] arguments, params StageRegistration[] more)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        Task<int> run = Task.Factory.StartNew(
            () => AlmCommandLine.InvokeAsync(arguments, Environment(storage, TextWriter.Synchronized(output), TextWriter.Synchronized(error), more)),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
        Assert.True(Patience.Await(TimeLimit, run.Wait), $"it hangs:\n{output}\n{error}");
        return new AlmEnd(run.Result, output.ToString(), error.ToString());
    }

    public static AlmEnd Run(string[] arguments, params StageRegistration[] more) => Run(new FaultyDisk(), arguments, more);

    /// <summary>What the program's own entry point gives its command line, but for the storage.</summary>
    public static CommandEnvironment Environment(IStorage storage, TextWriter output, TextWriter error, params StageRegistration[] more)
        => new() { Stages = [.. StageTable.All, .. more], Storage = storage, Output = output, Error = error };
}
