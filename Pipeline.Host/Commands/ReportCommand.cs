using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Comparison;
using Pipeline.Host.Files;
using Pipeline.Host.Pages;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Host.Commands;

/// <summary><c>alm report</c>: prints the report of a run as tables.</summary>
internal static class ReportCommand
{
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, NewLine = "\n" };

    public static Command Create(CommandEnvironment environment)
    {
        var path = new Argument<string>("RUN") { Description = "A run folder." };
        var command = new Command("report", "Prints the tables of a finished run: the counts of every flow and the results of its models.");
        var page = new Option<string?>("--html") { Description = "Write the report to this file as one page of HTML, instead of printing tables. Every run leaves one as report.html.", HelpName = "FILE" };
        command.Arguments.Add(path);
        command.Options.Add(page);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(page) is { } file)
            {
                string html = ReportPage.Of(RunRecord.Read(environment.Storage, parsed.GetRequiredValue(path)), MachineFacts.Here(isRun: false), environment.Time.GetUtcNow());
                environment.Storage.WriteAtomically(Path.GetFullPath(file), stream => stream.Write(Encoding.UTF8.GetBytes(html)));
                return ExitCodes.Success;
            }
            RunReport.Read(environment.Storage, parsed.GetRequiredValue(path), report =>
            {
                Print(environment.Output, report);
                return true;
            });
            return ExitCodes.Success;
        });
        return command;
    }

    private static void Print(TextWriter output, JsonObject report)
    {
        output.WriteLine($"run {report["run"]}, seed {report["seed"]}, definition {report["definition"]}\n");
        foreach ((string flow, JsonNode? state) in report["flows"]?.AsObject() ?? [])
        {
            List<IReadOnlyList<string>> rows = [["stage", "in", "out", "rejected", "counts"]];
            foreach (JsonNode? stage in state?["stages"]?.AsArray() ?? [])
                rows.Add([Text(stage?["stage"]), Number(stage?["in"]), Number(stage?["out"]), Number(stage?["rejected"]), Counts(stage?["counts"])]);
            TextTable.Write(output, $"flow '{flow}', {Text(state?["seconds"])} s", rows);
        }
        foreach ((string part, JsonNode? value) in report["parts"]?.AsObject() ?? [])
        {
            output.WriteLine(part);
            foreach (string line in Judged(value) ?? value?.ToJsonString(Layout).Split('\n') ?? [])
                output.WriteLine("  " + line);
            output.WriteLine();
        }
    }

    // Results of evaluate have a table of their own. Everything else is printed as JSON.
    private static IReadOnlyList<string>? Judged(JsonNode? part)
        => Judgement.IsJudgement(part) ? EvaluationTable.Lines(EvaluationTable.FromJson(JsonSerializer.SerializeToUtf8Bytes(part))) : null;

    private static string Text(JsonNode? node) => node?.ToString() ?? "";

    private static string Number(JsonNode? node) => node is null ? "" : ((long)node).ToString("N0", CultureInfo.InvariantCulture);

    private static string Counts(JsonNode? counts)
        => string.Join(", ", (counts as JsonObject ?? []).Select(c => $"{c.Key} {Number(c.Value)}"));
}
