using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Runs;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Host.Commands;

/// <summary><c>alm report</c>: a run's report as tables.</summary>
internal static class ReportCommand
{
    private const int MaxBytes = 256 << 20;

    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, NewLine = "\n" };

    public static Command Create(CommandEnvironment environment)
    {
        var path = new Argument<string>("RUN") { Description = "A run folder." };
        var command = new Command("report", "Prints the tables of a finished run: what every flow counted and what its models were judged to be.");
        command.Arguments.Add(path);
        command.SetAction(parsed =>
        {
            string file = Path.Combine(Path.GetFullPath(parsed.GetRequiredValue(path)), RunFiles.Report);
            if (!environment.Storage.FileExists(file))
                throw new InputException($"{file} is not there: it is written when a run is done; alm inspect says how far this one is");
            try
            {
                Print(environment.Output, Read(environment.Storage, file));
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
            {
                throw new InputException($"{file} is no report of a run: {e.Message}; run the definition again to write it anew", e);
            }
            return ExitCodes.Success;
        });
        return command;
    }

    private static JsonObject Read(IStorage storage, string file)
    {
        if (storage.Length(file) > MaxBytes)
            throw new JsonException($"{storage.Length(file)} bytes, expected at most {MaxBytes}");
        using Stream stream = storage.OpenRead(file);
        return JsonNode.Parse(stream) as JsonObject ?? throw new JsonException("expected an object");
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
            foreach (string line in Judgement(value) ?? value?.ToJsonString(Layout).Split('\n') ?? [])
                output.WriteLine("  " + line);
            output.WriteLine();
        }
    }

    // A part is whatever a stage left; judgements are known, all else is printed as it is.
    private static IReadOnlyList<string>? Judgement(JsonNode? part)
        => part is JsonObject judgement && judgement.ContainsKey("models") && judgement.ContainsKey("windowBytes")
            ? EvaluationTable.Lines(EvaluationTable.FromJson(JsonSerializer.SerializeToUtf8Bytes(judgement)))
            : null;

    private static string Text(JsonNode? node) => node?.ToString() ?? "";

    private static string Number(JsonNode? node) => node is null ? "" : ((long)node).ToString("N0", CultureInfo.InvariantCulture);

    private static string Counts(JsonNode? counts)
        => string.Join(", ", (counts as JsonObject ?? []).Select(c => $"{c.Key} {Number(c.Value)}"));
}
