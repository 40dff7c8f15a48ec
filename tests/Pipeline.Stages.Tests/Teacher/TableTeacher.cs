using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Tests.Teacher;

/// <summary>What a definition may say of a teacher of the backend <c>table</c>.</summary>
public sealed record TableTeacherDefinition : TeacherDefinition
{
    public const string Name = "table";

    public override string Backend => Name;

    [Description("A file of lines: token id, -log p(token), and the least and the most -log of the boundary mass after it.")]
    public override required string Model { get; init; }

    [Description("What it gives of the boundary mass; the mass itself is the least -log.")]
    public BoundaryKnowledge Boundary { get; init; } = BoundaryKnowledge.Exact;

    [Description("Requests at once.")]
    [Range(1, 64)]
    public int InFlight { get; init; } = 1;
}

/// <summary>A teacher that is a table of numbers: every token has its scores whatever came before. The proof of the port.</summary>
internal sealed class TableTeacher(TableTeacherDefinition definition, string path, IStorage storage) : ITeacher
{
    private readonly Lazy<Dictionary<int, float[]>> _rows = new(() => Read(path, storage));
    private int _running;

    public static TeacherRegistration Registration { get; } = TeacherRegistration.Of<TableTeacherDefinition>(
        TableTeacherDefinition.Name, "A table of numbers.", Abilities,
        static (teacher, context) => new TableTeacher(teacher, RunPaths.Input(context.RunFolder, teacher.Model), context.Storage));

    public TeacherFacts Facts => new(Abilities(definition), null, Repeatable: true, definition.InFlight);

    public IReadOnlyDictionary<string, string> Fingerprint => new Dictionary<string, string> { ["teacher table"] = $"{_rows.Value.Count} rows" };

    /// <summary>The most requests that were under way at once.</summary>
    public int MostRunning { get; private set; }

    public int Releases { get; private set; }

    public async Task<IReadOnlyList<TeacherAnswer>> ScoreAsync(TeacherRequest request, CancellationToken cancellationToken)
    {
        int running = Interlocked.Increment(ref _running);
        lock (_rows) MostRunning = Math.Max(MostRunning, running);
        // Longer rows first done: who places answers by when they come would mix them up.
        await Task.Delay(Math.Max(1, 30 - request.Rows[0].Ids.Length), cancellationToken);
        Interlocked.Decrement(ref _running);
        return [.. request.Rows.Select(r => new TeacherAnswer(Scores(r.Ids)))];
    }

    public ValueTask ReleaseAsync()
    {
        Releases++;
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ReleaseAsync();

    private static TeacherAbilities Abilities(TableTeacherDefinition teacher) => new(teacher.Boundary);

    private TeacherScores Scores(int[] ids)
    {
        float[] likelihood = [.. ids.Select((id, t) => t == 0 ? 0 : _rows.Value[id][0])], lower = Column(ids, 1), upper = Column(ids, 2);
        return definition.Boundary switch
        {
            BoundaryKnowledge.Exact => new TeacherScores(likelihood, lower),
            BoundaryKnowledge.Interval => new TeacherScores(likelihood, null) { Interval = new BoundaryInterval(lower, upper) },
            _ => new TeacherScores(likelihood, null),
        };
    }

    private float[] Column(int[] ids, int column) => [.. ids.Select(id => _rows.Value[id][column])];

    private static Dictionary<int, float[]> Read(string path, IStorage storage)
    {
        using var reader = new StreamReader(storage.OpenRead(path));
        var rows = new Dictionary<int, float[]>();
        while (reader.ReadLine()?.Split(' ') is { } cells)
            rows[int.Parse(cells[0], CultureInfo.InvariantCulture)] = [.. cells[1..].Select(c => float.Parse(c, CultureInfo.InvariantCulture))];
        return rows;
    }
}
