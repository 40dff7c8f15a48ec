using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Artifacts;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Student;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tests.Torch;

namespace Pipeline.Stages.Tests.Teacher;

/// <summary>Everything between a teacher and a student, with a teacher that is a table of numbers.</summary>
[Collection(TorchCollection.Name)]
public sealed class TableTeacherTests : IDisposable
{
    private readonly TinyRun _run = new(backends: [.. TeacherTable.All, TableTeacher.Registration]);

    public TableTeacherTests() => File.WriteAllLines(_run["table"], Enumerable.Range(0, 400).Select(id => string.Create(
        CultureInfo.InvariantCulture, $"{id} {Likelihood(id)} {Least(id)} {Most(id)}")));

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task Scores_are_placed_by_index_however_many_requests_are_under_way(int inFlight)
    {
        RunDefinition definition = Definition(BoundaryKnowledge.Exact, inFlight);
        TextDocument[] documents = TinyRun.Documents(40);
        List<Example> examples = await _run.ScoreAsync(definition, documents, new() { BatchTokens = 60, Window = 64 });
        Assert.Equal(documents.Select(d => d.Id), examples.Select(e => e.Id));
        foreach (Example example in examples)
        {
            int[] ids = example.Teacher!.Tokens.Ids;
            Assert.Equal([0, .. ids.Skip(1).Select(Likelihood)], example.Teacher.Scores.NegLogLikelihood);
            Assert.Equal(ids.Select(Least), example.Teacher.Scores.NegLogBoundary!);
        }
        var teacher = (TableTeacher)_run.Teachers.Get(_run.Context(definition));
        Assert.InRange(teacher.MostRunning, Math.Min(2, inFlight), inFlight);
        await _run.Teachers.ReleaseAsync();
        Assert.Equal(1, teacher.Releases);
    }

    [Fact]
    public async Task Known_masses_are_of_the_first_format_and_others_of_the_second_and_all_come_back()
    {
        TextDocument[] documents = TinyRun.Documents(9);
        foreach (BoundaryKnowledge knowledge in Enum.GetValues<BoundaryKnowledge>())
        {
            RunDefinition definition = Definition(knowledge);
            await _run.WriteShardsAsync(definition, $"{knowledge}", documents);
            ShardSet set = ShardSet.Open(_run.Storage, _run[$"{knowledge}"], new Dictionary<string, string>());
            Assert.All(set.Shards, s => Assert.Equal(knowledge == BoundaryKnowledge.Exact ? 1 : 2, s.Version));
            Assert.Equal(knowledge == BoundaryKnowledge.Exact ? "shard 1" : "shard 2", set.Fingerprint.Parts[ShardFingerprint.FormatPart]);
            Assert.Equal(knowledge, set.Fingerprint.Boundary);
            Assert.Empty(ArtifactVerifier.Verify(_run.Storage, _run[$"{knowledge}"]).Findings);
            Assert.Contains(ShardInspection.Of(set).Rows, r => r.Name == "boundary masses" && r.Value == (knowledge switch
            {
                BoundaryKnowledge.Exact => "known",
                BoundaryKnowledge.Interval => "lower and upper bounds",
                _ => "not known",
            }));
            foreach (Example example in Enumerable.Range(0, set.BlockCount).SelectMany(set.ReadBlock))
            {
                (int[] ids, TeacherScores scores) = (example.Teacher!.Tokens.Ids, example.Teacher.Scores);
                Assert.Equal([0, .. ids.Skip(1).Select(Likelihood)], scores.NegLogLikelihood);
                Assert.Equal(knowledge == BoundaryKnowledge.Exact ? ids.Select(Least) : null, scores.NegLogBoundary);
                Assert.Equal(knowledge == BoundaryKnowledge.Interval ? ids.Select(Least) : null, scores.Interval?.NegLogLower);
                Assert.Equal(knowledge == BoundaryKnowledge.Interval ? ids.Select(Most) : null, scores.Interval?.NegLogUpper);
            }
        }
        await Assert.ThrowsAsync<InputException>(() => _run.WriteShardsAsync(Definition(BoundaryKnowledge.None), "Exact", documents));
    }

    [Fact]
    public async Task Realigned_shards_keep_their_bounds()
    {
        RunDefinition definition = Definition(BoundaryKnowledge.Interval);
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(6));
        await _run.RealignAsync(definition, "shards", "again");
        ShardSet before = ShardSet.Open(_run.Storage, _run["shards"], new Dictionary<string, string>()), after = ShardSet.Open(_run.Storage, _run["again"], new Dictionary<string, string>());
        Assert.Equal(2, after.Shards[0].Version);
        Assert.Equal(
            before.ReadBlock(0).Select(e => e.Teacher!.Scores.Interval!.NegLogUpper), after.ReadBlock(0).Select(e => e.Teacher!.Scores.Interval!.NegLogUpper));
    }

    [Theory]
    [InlineData(BoundaryKnowledge.Exact, nameof(BoundaryMode.AppendBoundary), 0.1, true)]
    [InlineData(BoundaryKnowledge.Exact, nameof(BoundaryMode.AppendLower), 0.1, false)]
    [InlineData(BoundaryKnowledge.Interval, nameof(BoundaryMode.AppendLower), 0.1, true)]
    [InlineData(BoundaryKnowledge.Interval, nameof(BoundaryMode.AppendMidpoint), null, true)]
    [InlineData(BoundaryKnowledge.Interval, nameof(BoundaryMode.None), 0.1, true)]
    [InlineData(BoundaryKnowledge.Interval, nameof(BoundaryMode.AppendBoundary), null, false)]
    [InlineData(BoundaryKnowledge.None, nameof(BoundaryMode.None), null, true)]
    [InlineData(BoundaryKnowledge.None, nameof(BoundaryMode.None), 0.1, false)]
    [InlineData(BoundaryKnowledge.None, nameof(BoundaryMode.AppendMidpoint), null, false)]
    public async Task A_student_learns_by_the_masses_that_shards_hold_and_no_others(BoundaryKnowledge knowledge, string modeName, double? gamma, bool fits)
    {
        BoundaryMode mode = Enum.Parse<BoundaryMode>(modeName);
        RunDefinition definition = Definition(knowledge);
        var alm = new AlmOptions { Boundary = mode, Gamma = gamma };
        Assert.Equal(fits, alm.TeacherNeeds.All(n => n.IsMet(TableTeacher.Registration.Abilities(definition.Teacher!))));
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(12));
        UpdateStudentOptions options = new() { To = "student", Steps = 2, LearningRate = 1e-3, Objectives = new() { Alm = alm } };
        if (fits)
        {
            await _run.TrainAsync(definition, "shards", options);
            Assert.Equal(2, _run.Scalars.Count(s => s.Name == "loss/alm" && double.IsFinite(s.Value) && s.Value > 0));
            Assert.Equal(knowledge == BoundaryKnowledge.Interval && gamma is not null, _run.Counts.GetValueOrDefault("straddlingChunks") > 0);
        }
        else
        {
            InputException refused = await Assert.ThrowsAsync<InputException>(() => _run.TrainAsync(definition, "shards", options));
            Assert.Contains("boundary masses", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_teacher_is_not_run_beside_the_student_by_a_backend_that_cannot()
    {
        RunDefinition definition = Definition(BoundaryKnowledge.Exact);
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(6));
        DefinitionException refused = await Assert.ThrowsAsync<DefinitionException>(() => _run.TrainAsync(
            definition, "shards", new() { To = "x", Steps = 1, Objectives = new() { Uld = new() } }));
        Assert.Contains("'table'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_rescores_batches_online_too()
    {
        RunDefinition definition = Definition(BoundaryKnowledge.Exact);
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(6));
        await _run.TrainAsync(definition, "shards", new() { To = "x", Steps = 1, Objectives = new() { Alm = new() { Scores = TeacherScoring.Online } } });
        Assert.True(File.Exists(_run["x/config.json"]));
    }

    private RunDefinition Definition(BoundaryKnowledge knowledge, int inFlight = 1)
        => _run.Definition() with { Teacher = new TableTeacherDefinition { Model = _run["table"], Tokenizer = _run.Teacher, Boundary = knowledge, InFlight = inFlight } };

    // All of them float16 values.
    private static float Likelihood(int id) => 0.25f + (id % 16 * 0.125f);

    private static float Least(int id) => 2.5f + (id % 3 * 0.25f);

    private static float Most(int id) => Least(id) - 0.5f;
}
