using System.Text;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Host.Commands;
using Pipeline.Host.Hosting;
using Pipeline.Host.Tests.Stages;
using Pipeline.Stages.Teacher;

namespace Pipeline.Host.Tests;

/// <summary>What the alm command answers, run inside the test's process with the test stages.</summary>
internal sealed record AlmAnswer(int Code, string Output, string Error);

internal static class Alm
{
    public static async Task<AlmAnswer> RunAsync(
        IReadOnlyList<string> arguments, StopSignals? signals = null, IReadOnlyList<StageRegistration>? stages = null, IStorage? storage = null, Func<string, string?>? variable = null,
        IReadOnlyList<TeacherRegistration>? teachers = null, string input = "")
    {
        using var standardOutput = new MemoryStream();
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = await AlmCommandLine.InvokeAsync(arguments, new CommandEnvironment
        {
            Stages = stages ?? TestStageTable.All,
            Storage = storage ?? new DiskStorage(),
            Output = TextWriter.Synchronized(output),
            Error = error,
            Signals = signals,
            Variable = variable ?? Environment.GetEnvironmentVariable,
            Teachers = teachers ?? TeacherTable.All,
            StandardInput = () => new MemoryStream(Encoding.UTF8.GetBytes(input)),
            StandardOutput = () => standardOutput,
        });
        return new AlmAnswer(code, output + Encoding.UTF8.GetString(standardOutput.ToArray()), error.ToString());
    }

    /// <summary>A definition with one flow.</summary>
    public static string Definition(string stages, string extra = "")
        => $$"""{ "name": "test", {{extra}} "flows": [ { "name": "only", "stages": [ {{stages}} ] } ] }""";
}
