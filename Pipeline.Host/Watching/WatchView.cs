using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Host.Files;
using Pipeline.Host.Pages;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs;
using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Watching;

/// <summary>
/// What the page of a run in progress shows, in the words that it shows. This is <c>/status.json</c>. For other programs, <c>alm status --json</c> is better.
/// </summary>
/// <param name="State">running, done or stopped.</param>
/// <param name="Words">The state as a sentence.</param>
/// <param name="Cards">A few important figures.</param>
/// <param name="Sections">The tables of each section of the page, by the section's id.</param>
/// <param name="Charts">The curves of training.</param>
internal sealed record WatchView(
    string State, string Words, IReadOnlyList<WatchCard> Cards, IReadOnlyDictionary<string, IReadOnlyList<WatchTable>> Sections, IReadOnlyList<ChartData> Charts)
{
    private const int ShownLines = 20;
    private const int ShownLosses = 4;

    public static readonly JsonSerializerOptions Layout = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static WatchView Of(WatchedFacts run)
    {
        RunStatus status = run.Status;
        FlowStatus? now = status.Flows.FirstOrDefault(f => !f.Done);
        return new WatchView(
            status.State.ToString().ToLowerInvariant(), Sentence(status, now), [.. CardsOf(run, now)],
            new Dictionary<string, IReadOnlyList<WatchTable>>
            {
                ["flows"] = [Flows(status), .. Working(status)],
                ["rejects"] = [.. Rejects(run)],
                ["errors"] = [.. Errors(run)],
            },
            [.. CurveSection.Charts(run.Metrics)]);
    }

    // A screen reader reads the sentence aloud whenever it changes. It therefore contains no time, which is shown among the figures.
    private static string Sentence(RunStatus status, FlowStatus? now) => status.State switch
    {
        RunState.Done => "The run is done.",
        RunState.Running => $"Flow {now?.Flow ?? "none"} is running{(status.Process is { } process ? string.Create(CultureInfo.InvariantCulture, $" in process {process.ProcessId} on {process.Machine}") : "")}.",
        _ => "No process is working on it. The command that started the run continues from here.",
    };

    private static IEnumerable<WatchCard> CardsOf(WatchedFacts run, FlowStatus? now)
    {
        RunStatus status = run.Status;
        yield return new("state", status.State.ToString().ToLowerInvariant());
        yield return new("flows done", string.Create(CultureInfo.InvariantCulture, $"{status.Flows.Count(f => f.Done)} of {status.Flows.Count}"));
        if (now?.Parts is { } parts)
            yield return new($"parts of {now.Flow}", string.Create(CultureInfo.InvariantCulture, $"{now.Committed} of {parts}"));
        else if (now?.OfSteps is { } steps)
            yield return new($"steps of {now.Flow}", $"{Figures.Count(now.Steps ?? 0)} of {Figures.Count(steps)}");
        if (now?.SecondsLeft is { } left && status.State == RunState.Running)
            yield return new($"left of {now.Flow}", Figures.Time(left));
        foreach (MetricSeries loss in run.Metrics.Where(m => m.Flow == now?.Flow && m.Name.StartsWith("loss/", StringComparison.Ordinal)).Take(ShownLosses))
            yield return new(loss.Name, Figures.Number(loss.Last));
        yield return new("last written", $"{Figures.Time(status.Silent.TotalSeconds)} ago");
    }

    private static WatchTable Flows(RunStatus status)
    {
        List<IReadOnlyList<string>> rows = [["flow", "state", "so far", "rate", "left", "time"]];
        foreach (FlowStatus flow in status.Flows)
        {
            bool isNow = status.State == RunState.Running && flow == status.Flows.FirstOrDefault(f => !f.Done);
            string soFar = flow.Parts is { } parts ? string.Create(CultureInfo.InvariantCulture, $"{flow.Committed} of {parts} parts")
                : flow.Steps is { } step ? $"step {Figures.Count(step)}{(flow.OfSteps is { } of ? $" of {Figures.Count(of)}" : "")}" : "";
            rows.Add([
                flow.Flow, flow.Done ? "done" : isNow || flow.Running.Count > 0 ? "running" : flow.Failed.Count > 0 ? "failed" : soFar.Length > 0 && !soFar.StartsWith('0') ? "begun" : "waiting",
                soFar, Rate(flow), isNow && flow.SecondsLeft is { } left ? Figures.Time(left) : "", flow.Seconds > 0 ? Figures.Time(flow.Seconds) : ""]);
        }
        return new WatchTable("Flows in their order; rates of parts are those of one process", rows);
    }

    private static string Rate(FlowStatus flow)
        => flow.Parts is not null && flow.Seconds > 0 && flow.Records > 0
            ? $"{Figures.Number(flow.Records / flow.Seconds)} records/s{(flow.TeacherTokens > 0 ? $", {Figures.Number(flow.TeacherTokens / flow.Seconds)} teacher tokens/s" : "")}"
            : flow.SecondsPerStep is > 0 and var seconds ? (seconds < 1 ? $"{Figures.Number(1 / seconds)} steps/s" : $"{Figures.Number(seconds)} s per step") : "";

    private static IEnumerable<WatchTable> Working(RunStatus status)
    {
        List<IReadOnlyList<string>> rows = [["flow", "part", "process", "heard of", "records", "tokens/s", "done"]];
        foreach ((FlowStatus flow, RunningPart part) in status.Flows.SelectMany(f => f.Running.OrderBy(p => p.Part).Select(p => (f, p))))
        {
            LiveCounts? live = part.Live;
            rows.Add([
                flow.Flow, part.Part is { } number ? Figures.Count(number) : "all", part.Process, $"{Figures.Time(part.Silent.TotalSeconds)} ago",
                live is null ? "" : Figures.Count(live.Records), live is { Tokens: > 0, Seconds: > 0 } ? Figures.Number(live.Tokens / live.Seconds) : "", live is { Total: > 0 } ? Figures.Percent(live.Share) : ""]);
        }
        if (rows.Count > 1)
            yield return new WatchTable("What processes are working on, as last reported", rows);
    }

    private static IEnumerable<WatchTable> Rejects(WatchedFacts run)
    {
        List<IReadOnlyList<string>> counts = [["reason", "flow", "stage", "records"]];
        foreach ((FlowStatus flow, RejectCount reject) in run.Status.Flows.SelectMany(f => f.Rejects.Select(r => (f, r))))
            counts.Add([reject.Reason, flow.Flow, reject.Stage, Figures.Count(reject.Records)]);
        if (counts.Count > 1)
            yield return new WatchTable("Rejected in committed parts", counts);
        List<IReadOnlyList<string>> lines = [["document", "flow", "stage", "message"]];
        foreach (JsonObject line in run.Rejects.Reverse().Take(ShownLines))
            lines.Add([line.Text("id") ?? "", line.Text("flow") ?? "", line.Text("stage") ?? "", line.Text("message") ?? line.Text("reason") ?? ""]);
        if (lines.Count > 1)
            yield return new WatchTable("The last ones, latest first", lines);
    }

    private static IEnumerable<WatchTable> Errors(WatchedFacts run)
    {
        List<IReadOnlyList<string>> parts = [["flow", "part", "exit code", "message"]];
        foreach (PartRecord part in run.Status.Flows.SelectMany(f => f.Failed).Take(ShownLines))
            parts.Add([part.Flow, Figures.Count(part.Part), part.ExitCode?.ToString(CultureInfo.InvariantCulture) ?? "", part.Error ?? ""]);
        if (parts.Count > 1)
            yield return new WatchTable("Parts that failed and are not done", parts);
        List<IReadOnlyList<string>> ends = [["when", "exit code", "message"]];
        foreach (JsonObject line in run.Errors.Reverse().Take(ShownLines))
            ends.Add([line.Text("time") ?? "", line["exitCode"]?.ToJsonString() ?? "", line.Text("message") ?? ""]);
        if (ends.Count > 1)
            yield return new WatchTable("What stopped the run early, latest first", ends);
    }
}

/// <summary>A figure.</summary>
/// <param name="Label">What it is.</param>
/// <param name="Value">The figure, with its unit.</param>
internal sealed record WatchCard(string Label, string Value);

/// <summary>A table.</summary>
/// <param name="Caption">The text above the table.</param>
/// <param name="Rows">The rows, of which the first is the header.</param>
internal sealed record WatchTable(string Caption, IReadOnlyList<IReadOnlyList<string>> Rows);
