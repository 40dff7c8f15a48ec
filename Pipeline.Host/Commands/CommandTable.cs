using System.CommandLine;

namespace Pipeline.Host.Commands;

/// <summary>All commands, in the order of <c>--help</c>. A new command is one file and one line here.</summary>
internal static class CommandTable
{
    public static IReadOnlyList<Func<CommandEnvironment, Command>> All { get; } =
    [
        RunCommand.Create,
        WorkCommand.Create,
        SubmitCommand.Create,
        StatusCommand.Create,
        WatchCommand.Create,
        NewCommand.Create,
        CheckCommand.Create,
        InspectCommand.Create,
        VerifyCommand.Create,
        RepairCommand.Create,
        ReportCommand.Create,
        CompareCommand.Create,
        EvaluateCommand.Create,
        ScoreCommand.Create,
        GenerateCommand.Create,
        ServeCommand.Create,
        LogitsCommand.Create,
        TransferCommand.Create,
        MergeCommand.Create,
        ApplySeaCommand.Create,
        ExportCommand.Create,
        TokenizeCommand.Create,
        SchemaCommand.Create,
        ReferenceCommand.Create,
        CompletionsCommand.Create,
        GgufWorkerCommand.Create,
    ];
}
