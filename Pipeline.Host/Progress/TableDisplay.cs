using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Pipeline.Host.Progress;

/// <summary>Shows progress as a table in a terminal, redrawn a few times a second while a flow runs. Lines of the log go above it.</summary>
internal sealed class TableDisplay(IAnsiConsole console, TimeProvider time) : IProgressDisplay, IDisposable
{
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private CancellationTokenSource? _end;
    private Task _drawing = Task.CompletedTask;

    public void Begin(FlowMeter flow)
    {
        _end = new CancellationTokenSource();
        _drawing = DrawAsync(flow, _end.Token);
    }

    public void End(FlowMeter flow)
    {
        _end?.Cancel();
        _drawing.Wait();
        _end?.Dispose();
        _end = null;
    }

    public void WriteLine(string line)
    {
        lock (_lock)
            console.WriteLine(line);
    }

    public void Dispose() => _end?.Dispose();

    private async Task DrawAsync(FlowMeter flow, CancellationToken end)
    {
        using var timer = new PeriodicTimer(Redraw, time);
        await console.Live(View(flow)).AutoClear(true).StartAsync(async context =>
        {
            while (!end.IsCancellationRequested)
            {
                lock (_lock)
                    context.UpdateTarget(View(flow));
                Task tick = timer.WaitForNextTickAsync(end).AsTask();
                await tick.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
            }
        });
    }

    private Rows View(FlowMeter flow)
    {
        TimeSpan elapsed = time.GetElapsedTime(flow.StartTimestamp);
        string title = string.Create(CultureInfo.InvariantCulture, $"{flow.Flow}  {Rates.Time(elapsed)}");
        if (flow.PartitionCount > 0)
            title += string.Create(CultureInfo.InvariantCulture, $"  part {Math.Min(flow.PartitionsDone + 1, flow.PartitionCount)} of {flow.PartitionCount}");
        Table table = new Table().Border(TableBorder.Rounded).Title(Markup.Escape(title));
        foreach (string heading in new[] { "stage", "records in", "out", "rejected", "tokens/s", "queue full" })
            table.AddColumn(new TableColumn(heading) { Alignment = heading == "stage" ? Justify.Left : Justify.Right });
        IReadOnlyList<StageMeter> current = flow.Current;
        IReadOnlyList<StageCounts> counts = flow.Snapshot();
        for (int i = 0; i < counts.Count; i++)
        {
            string queue = i < current.Count && current[i].QueueFill is { } fill ? string.Create(CultureInfo.InvariantCulture, $"{fill():P0}") : "";
            string rate = counts[i].Counts.TryGetValue(Rates.TokenCount, out long tokens) ? Rates.Short(tokens / elapsed.TotalSeconds) : "";
            table.AddRow(
                Markup.Escape(counts[i].Stage), Rates.Short(counts[i].In), Rates.Short(counts[i].Out), Rates.Short(counts[i].Rejected), rate, queue);
        }
        List<IRenderable> rows = [table];
        foreach (StageMeter meter in current.Where(m => m.LatestProgress.Total > 0))
            rows.Add(new Text(ProgressLine(meter, elapsed)));
        return new Rows(rows);
    }

    private static string ProgressLine(StageMeter meter, TimeSpan elapsed)
    {
        StageProgress progress = meter.LatestProgress;
        string line = string.Create(CultureInfo.InvariantCulture, $"{meter.Stage}: {progress.Done} of {progress.Total}");
        if (Rates.Left(progress, elapsed) is { } left)
            line += $", {Rates.Time(left)} left";
        foreach ((string name, double value) in meter.LatestScalars.OrderBy(s => s.Key, StringComparer.Ordinal))
            line += $"  {name} {Rates.Short(value)}";
        return line;
    }
}
