using System.Text.Json;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Runs;

/// <summary>Reads from a run folder alone how far its flows are, while others work in it.</summary>
internal sealed class StatusReader(IStorage storage, TimeProvider time, string folder)
{
    private const int MetricsTailBytes = 1 << 18;

    /// <param name="flow">The flow.</param>
    /// <param name="hash">Of everything that decides its results.</param>
    /// <param name="parts">How many parts it has; null for one piece.</param>
    public FlowStatus Read(FlowDefinition flow, string hash, int? parts)
    {
        RunProgress progress = RunProgress.Read(storage, folder);
        FlowState state = progress.Of(flow.Name, hash);
        IReadOnlyList<StageCounts> total = state.Total();
        RunningPart[] running = [.. PartMark.In(storage, progress.Parts.FolderOf(flow.Name))
            .Where(m => Staging.IsAtWork(storage, m.Path))
            .Select(m => new RunningPart(m.Part, m.Owner.ToString(), time.GetUtcNow().UtcDateTime - storage.LastWritten(m.Path)))];
        PartRecord[] failed = [.. progress.Parts.All(flow.Name)
            .Where(r => r.Hash == hash && r.Error is not null && !state.Partitions.ContainsKey(r.Part) && running.All(m => m.Part != r.Part))];
        return new FlowStatus(
            flow.Name, state.Done, parts, state.Partitions.Count, running, failed,
            total.Count > 0 ? total[0].In : 0, total.Select(s => s.Counts.GetValueOrDefault("teacherTokens")).LastOrDefault(n => n > 0), state.Seconds, LastStep(flow.Name));
    }

    // Metrics are appended to: the last lines say where training is. The first line of the tail, and the last, may be cut.
    private long? LastStep(string flow)
    {
        string path = Path.Combine(folder, RunFiles.Metrics);
        if (!storage.FileExists(path))
            return null;
        using Stream stream = storage.OpenRead(path);
        stream.Position = Math.Max(0, stream.Length - MetricsTailBytes);
        using var reader = new StreamReader(stream);
        long? step = null;
        while (reader.ReadLine() is { } line)
        {
            try
            {
                using JsonDocument json = JsonDocument.Parse(line);
                if (json.RootElement.GetProperty("flow").GetString() == flow)
                    step = json.RootElement.GetProperty("step").GetInt64();
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
            {
                // A line that is being written.
            }
        }
        return step;
    }
}
