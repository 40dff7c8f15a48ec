using Microsoft.Extensions.Logging;

namespace Pipeline.Host.Hosting;

/// <summary>The lines that the host logs. Their event ids never change. They are about runs, flows, parts and stages; none is logged for every record.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(1000, LogLevel.Information, "run '{Run}' in {Folder}, seed {Seed}")]
    public static partial void RunBegins(this ILogger log, string run, string folder, int seed);

    [LoggerMessage(1001, LogLevel.Information, "run '{Run}' continues in {Folder}, seed {Seed}")]
    public static partial void RunGoesOn(this ILogger log, string run, string folder, int seed);

    [LoggerMessage(1007, LogLevel.Warning, "the definition has changed since the folder was begun: {Key} was {Was}, is now {Is}")]
    public static partial void DefinitionCorrected(this ILogger log, string key, string was, string @is);

    [LoggerMessage(1004, LogLevel.Warning, "{Warning}")]
    public static partial void DefinitionWarns(this ILogger log, string warning);

    [LoggerMessage(1002, LogLevel.Information, "run '{Run}' is done: {Folder}")]
    public static partial void RunDone(this ILogger log, string run, string folder);

    [LoggerMessage(1003, LogLevel.Information, "stopped after flow '{Flow}', as --through asks; flow '{Next}' is next")]
    public static partial void RunEndsEarly(this ILogger log, string flow, string next);

    [LoggerMessage(1006, LogLevel.Information, "flow '{Flow}' and those after it are done again; deleted: {Outputs}")]
    public static partial void FlowsTakenBack(this ILogger log, string flow, string outputs);

    [LoggerMessage(1010, LogLevel.Information, "flow '{Flow}' begins: {Stages}")]
    public static partial void FlowBegins(this ILogger log, string flow, string stages);

    [LoggerMessage(1011, LogLevel.Information, "flow '{Flow}' is done already: skipped")]
    public static partial void FlowSkipped(this ILogger log, string flow);

    [LoggerMessage(1012, LogLevel.Information, "flow '{Flow}' is done in {Seconds:F1} s")]
    public static partial void FlowDone(this ILogger log, string flow, double seconds);

    [LoggerMessage(1013, LogLevel.Information, "flow '{Flow}': part {Part} of {Parts} is committed")]
    public static partial void PartitionDone(this ILogger log, string flow, int part, int parts);

    [LoggerMessage(1014, LogLevel.Warning, "flow '{Flow}': a part of its output is gone; it is computed again")]
    public static partial void FlowReopened(this ILogger log, string flow);

    [LoggerMessage(1015, LogLevel.Warning, "flow '{Flow}': {Parts} of its parts were committed by a process whose counts are gone; the report leaves them out")]
    public static partial void PartsWithoutCounts(this ILogger log, string flow, int parts);

    [LoggerMessage(1016, LogLevel.Information, "work on flow '{Flow}' in {Folder}: {Mine} of its {Parts} parts are this process's share")]
    public static partial void WorkBegins(this ILogger log, string flow, string folder, int mine, int parts);

    [LoggerMessage(1017, LogLevel.Information, "work on flow '{Flow}' is done: {Done} parts computed, {Before} were committed before")]
    public static partial void WorkDone(this ILogger log, string flow, int done, int before);

    [LoggerMessage(1020, LogLevel.Information, "flow '{Flow}', stage '{Stage}': {Message}")]
    public static partial void StageSays(this ILogger log, string flow, string stage, string message);

    [LoggerMessage(1021, LogLevel.Information, "flow '{Flow}', stage '{Stage}': {Counts}")]
    public static partial void StageDone(this ILogger log, string flow, string stage, string counts);

    [LoggerMessage(1023, LogLevel.Warning, "torch may read memory that was freed already, because {Fault}: a result may be wrong, or the process may crash; docs/decisions/0090 has more")]
    public static partial void ScalarsMayBeFreed(this ILogger log, string fault);

    [LoggerMessage(1030, LogLevel.Warning, "stopping at the next safe point; interrupt again to stop at once")]
    public static partial void Stopping(this ILogger log);

    [LoggerMessage(1031, LogLevel.Warning, "stopping at once; what is committed is kept")]
    public static partial void Ending(this ILogger log);
}
