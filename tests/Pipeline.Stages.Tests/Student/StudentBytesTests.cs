using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tests.Torch;

namespace Pipeline.Stages.Tests.Student;

[Collection(TorchCollection.Name)]
public sealed class StudentBytesTests : IDisposable
{
    private static readonly ObjectivesOptions OfBytes = new() { Bytes = new() };

    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(NextByteKnowledge.Trunk, false)]
    [InlineData(NextByteKnowledge.Exact, true)]
    public async Task A_student_learns_its_teachers_next_bytes_alone_and_beside_others(NextByteKnowledge view, bool beside)
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(12), options: new() { Bytes = view });
        ObjectivesOptions objectives = beside ? OfBytes with { Sft = new(), Alm = new() } : OfBytes;
        await _run.TrainAsync(definition, "shards", new UpdateStudentOptions { To = "student", Objectives = objectives, Steps = 12, LearningRate = 5e-3 });
        double[] losses = [.. _run.Scalars.Where(s => s.Name == "loss/bytes").Select(s => s.Value)];
        Assert.Equal(12, losses.Length);
        Assert.All(losses, loss => Assert.True(double.IsFinite(loss) && loss > 0));
        Assert.True(losses[^3..].Average() < 0.8 * losses[..3].Average(), string.Join(' ', losses));
    }

    [Fact]
    public async Task A_student_of_longer_tokens_learns_them_too()
    {
        RunDefinition definition = _run.Definition(tokenizer: null);
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(12), options: new() { Bytes = NextByteKnowledge.Trunk });
        ObjectivesOptions objectives = new() { SubwordBytes = new() };
        // Its own teacher to begin with: what is left is what the trunk knows of the text behind a token.
        await _run.TrainAsync(definition, "shards", new UpdateStudentOptions { To = "student", Objectives = objectives, Steps = 8, LearningRate = 1e-3 });
        double[] losses = [.. _run.Scalars.Where(s => s.Name == "loss/subwordBytes").Select(s => s.Value)];
        Assert.Equal(8, losses.Length);
        Assert.InRange(losses[0], 0, 0.5);
        Assert.True(losses[^1] < losses[0], string.Join(' ', losses));
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_before_work()
    {
        RunDefinition bytes = _run.Definition(), subwords = _run.Definition(tokenizer: null);
        await _run.WriteShardsAsync(bytes, "plain", TinyRun.Documents(4));
        Assert.Contains("tokens of up to", Refused(subwords, OfBytes, "run:plain"), StringComparison.Ordinal);
        Assert.Contains("use 'bytes'", Refused(bytes, new() { SubwordBytes = new() }, "run:plain"), StringComparison.Ordinal);
        Assert.Contains("plain has none", Refused(bytes, OfBytes, "run:plain"), StringComparison.Ordinal);
        // Nothing is there yet, and nobody says that it will not be.
        Assert.Empty(Faults(bytes, OfBytes, "run:later", []));
        FlowFacts without = new() { NextBytes = false }, with = new() { NextBytes = true };
        FlowOutput Scored(string path, FlowFacts facts) => new(new StageOutput("to", path, OutputKind.Shards), "score", 0, facts);
        Assert.Empty(Faults(bytes, OfBytes, "run:later", [Scored("later", with)]));
        Assert.Contains("flow 'score' writes run:later without", Assert.Single(Faults(bytes, OfBytes, "run:later", [Scored("later", without)])).Message, StringComparison.Ordinal);
        // What is there is written anew.
        Assert.Empty(Faults(bytes, OfBytes, "run:plain", [Scored("plain", with)]));
        DefinitionException atWork = await Assert.ThrowsAsync<DefinitionException>(
            () => _run.TrainAsync(bytes, "plain", new UpdateStudentOptions { To = "student", Objectives = OfBytes, Steps = 1 }));
        Assert.Contains("plain has none", atWork.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Realigned_shards_keep_the_teachers_next_bytes()
    {
        RunDefinition subwords = _run.Definition(tokenizer: null), bytes = _run.Definition();
        await _run.WriteShardsAsync(subwords, "subwords", TinyRun.Documents(6), options: new() { Bytes = NextByteKnowledge.Trunk });
        await _run.RealignAsync(bytes, "subwords", "bytes");
        ShardSet before = ShardSet.Open(_run.Storage, _run["subwords"], new Dictionary<string, string>()), after = ShardSet.Open(_run.Storage, _run["bytes"], new Dictionary<string, string>());
        Assert.Equal(before.Fingerprint.NextBytes, after.Fingerprint.NextBytes);
        Assert.All(Enumerable.Range(0, after.BlockCount).SelectMany(after.ReadBlock), e => Assert.NotNull(e.Teacher!.Bytes));
        await _run.TrainAsync(bytes, "bytes", new UpdateStudentOptions { To = "student", Objectives = OfBytes, Steps = 2 });
    }

    private string Refused(RunDefinition definition, ObjectivesOptions objectives, string from) => Faults(definition, objectives, from, [])[0].Message;

    private RuleFinding[] Faults(RunDefinition definition, ObjectivesOptions objectives, string from, FlowOutput[] written)
    {
        var options = new UpdateStudentOptions { To = "student", Objectives = objectives, Steps = 1 };
        StageContext context = _run.Context(definition, null, new ReadShardsOptions { From = [from] }, options);
        return [.. StudentBytes.Faults(objectives, SideTokenizers.Student(RunSite.Of(context)), RunSite.Of(context), context.Facts with { Outputs = written, Index = 1 })];
    }
}
