using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Language;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Student;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tests.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Student;

[Collection(TorchCollection.Name)]
public sealed class OnlineTeacherTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task Baselines_train_with_the_teacher_beside_the_student_and_keep_their_projectors()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(12));
        var match = (ISource<TokenMatch>)MatchTokensSource.Registration.Create(new MatchTokensOptions(), _run.Context(definition));
        await Made.WriteTokenMap(new() { To = "map.txt" }, _run.Context(definition)).RunAsync(match.ReadAsync(default), default);
        await _run.Teachers.ReleaseAsync();
        await _run.TrainAsync(definition, "shards", new()
        {
            To = "student",
            Steps = 3,
            Accumulate = 2,
            LearningRate = 1e-3,
            Objectives = new() { Sft = new(), Dskd = new(), Uld = new(), Mined = new() { Mapping = "run:map.txt" } },
        });
        Assert.Equal(3 * 4, _run.Scalars.Count(s => s.Name.StartsWith("loss/", StringComparison.Ordinal) && double.IsFinite(s.Value) && s.Value > 0));
        Assert.Equal(["loss/dskd", "loss/mined", "loss/sft", "loss/uld"], _run.Scalars.Select(s => s.Name).Where(n => n.StartsWith("loss/", StringComparison.Ordinal)).Distinct().Order());
        string checkpoint = Directory.GetDirectories(_run["checkpoints/student"]).Order().Last();
        using var weights = Stages.Models.Safetensors.SafetensorsFile.Open(Path.Combine(checkpoint, "weights.safetensors"), _run.Storage);
        Assert.Contains("dskd.query.kernel", weights.Entries.Select(e => e.Name));
        Assert.True(Directory.Exists(_run["student"]));
    }

    [Fact]
    public async Task A_teacher_on_a_device_of_its_own_teaches_the_same()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(8));
        UpdateStudentOptions Options(string to) => new() { To = to, Steps = 2, LearningRate = 1e-3, Objectives = new() { Alm = new() { Scores = TeacherScoring.Online }, Dskd = new(), Uld = new() } };
        await _run.TrainAsync(definition, "shards", Options("one"));
        await _run.Teachers.DisposeAsync();
        using var own = new TeacherDevice(TestDevice.Create(), isOwn: true);
        _run.Provide(own);
        await _run.TrainAsync(definition, "shards", Options("two"));
        await _run.Teachers.DisposeAsync();
        Assert.Equal(File.ReadAllBytes(_run["one/model.safetensors"]), File.ReadAllBytes(_run["two/model.safetensors"]));
    }

    [Fact]
    public async Task A_student_that_is_its_teacher_has_nothing_to_learn_from_distributions_and_states()
    {
        RunDefinition definition = _run.Definition(null);
        Example[] examples = [.. await _run.ScoreAsync(definition, TinyRun.Documents(5))];
        UpdateStudentOptions options = new() { To = "x", Steps = 1, Objectives = new() { Uld = new(), Latents = new() { Layers = LatentLayers.All } } };
        await _run.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            StepReport report = Step(definition, options, examples, Online(definition));
            Assert.InRange(report.Losses[0], 0, 1e-5);
            Assert.InRange(report.Losses[1], 0, 1e-8);
        });
    }

    [Fact]
    public async Task Hidden_states_from_the_cache_and_from_a_teacher_beside_the_student_give_the_same_loss()
    {
        RunDefinition definition = _run.Definition();
        Example[] cached = [.. await _run.ScoreAsync(definition, TinyRun.Documents(5), new() { HiddenLayers = [-1] })];
        Example[] bare = [.. cached.Select(e => e with { Teacher = e.Teacher! with { Hidden = null } })];
        UpdateStudentOptions options = new() { To = "x", Steps = 1, Objectives = new() { Latents = new() } };
        await _run.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            double fromCache = Step(definition, options, cached, null).Losses[0], online = Step(definition, options, bare, Online(definition)).Losses[0];
            Assert.InRange(fromCache / online, 0.999, 1.001);
        });
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(6));
        await _run.TrainAsync(definition, "shards", options with { To = "student" });
        Assert.True(File.Exists(_run["student/config.json"]));
    }

    [Fact]
    public async Task Scores_from_the_cache_and_from_a_teacher_run_over_every_batch_give_the_same_loss_but_for_rounding()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(12));
        double[] Losses() => [.. _run.Scalars.Where(s => s.Name == "loss/alm").Select(s => s.Value)];
        await _run.TrainAsync(definition, "shards", new() { To = "cached", Steps = 3, LearningRate = 1e-3, Objectives = new() { Alm = new() } });
        double[] cached = Losses();
        _run.Scalars.Clear();
        await _run.Teachers.ReleaseAsync();
        await _run.TrainAsync(definition, "shards", new() { To = "online", Steps = 3, LearningRate = 1e-3, Objectives = new() { Alm = new() { Scores = TeacherScoring.Online } } });
        Assert.Equal(3, cached.Length);
        Assert.NotEqual(cached, Losses());
        Assert.All(cached.Zip(Losses()), p => Assert.InRange(p.First / p.Second, 0.999, 1.001));

        RunDefinition alone = definition with { Teacher = null };
        await Assert.ThrowsAsync<DefinitionException>(() => _run.TrainAsync(
            alone, "shards", new() { To = "alone", Steps = 1, Objectives = new() { Alm = new() { Scores = TeacherScoring.Online } } }));
    }

    [Fact]
    public async Task Latents_between_models_of_other_widths_learn_a_projector()
    {
        _run.Storage.CreateDirectory(_run["narrow"]);
        _run.SaveModel(_run["narrow"], TinyRun.Llama.Replace("\"hidden_size\": 32", "\"hidden_size\": 16", StringComparison.Ordinal), seed: 9);
        foreach (string file in Directory.GetFiles(_run.Teacher, "tokenizer*"))
            File.Copy(file, Path.Combine(_run["narrow"], Path.GetFileName(file)));
        RunDefinition definition = _run.Definition("bytes", model: _run["narrow"]);
        Example[] examples = [.. await _run.ScoreAsync(definition, TinyRun.Documents(6), new() { HiddenLayers = [-1] })];
        UpdateStudentOptions options = new() { To = "x", Steps = 30, LearningRate = 1e-2, Objectives = new() { Latents = new() } };
        await _run.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using LanguageModel student = _run.CreateStudent(definition);
            TrainedParameters.Choose(student, options, 1);
            using var trainer = new Trainer(options, student, StudentObjectives.Create(options.Objectives, student.Model.Config, RunSite.Of(_run.Context(definition)), () => _run.Teachers.Get(_run.Context(definition)), TestDevice.Device));
            Tensor kernel = trainer.Weights.Single(w => w.Name == "latents.kernel").Tensor;
            Assert.Equal([16L, 32], kernel.shape);
            float[] before = kernel.detach().cpu().data<float>().ToArray();
            StudentBatch batch = new(examples, examples.Max(e => e.Student.Count), default);
            double[] losses = [.. Enumerable.Range(0, 30).Select(step => trainer.Step([(batch, trainer.Tables(batch))], step).Losses[0])];
            Assert.True(losses[^1] < 0.8 * losses[0], $"{losses[0]} to {losses[^1]}");
            Assert.NotEqual(before, kernel.detach().cpu().data<float>().ToArray());
        });
    }

    [Fact]
    public async Task Text_without_a_teacher_cannot_have_one_beside_it()
    {
        RunDefinition definition = _run.Definition();
        Example[] examples = [.. (await _run.ScoreAsync(definition, TinyRun.Documents(2))).Select(e => e with { Teacher = null, Chunks = [] })];
        await _run.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            Assert.Throws<InputException>(() => { Online(definition).Run(examples); });
        });
    }

    [Fact]
    public async Task A_plan_says_what_steps_and_a_teacher_beside_them_cost()
    {
        UpdateStudentOptions options = new() { To = "x", Steps = 10, Accumulate = 2, Objectives = new() { Alm = new() } };
        RunDefinition definition = _run.Definition();
        StageContext context = _run.Context(definition, null, new BatchOptions { Tokens = 500 }, new Stages.Documents.TokenizeOptions { MaxTeacherTokens = 100 });
        StagePlan alone = Made.UpdateStudent(options, context).Plan(null), beside = Made.UpdateStudent(options with { Objectives = new() { Uld = new() } }, context).Plan(null);
        Assert.Equal(10_000, Amount(alone, "tokens"));
        long parameters = await _run.Device.RunAsync(() =>
        {
            using LanguageModel student = _run.CreateStudent(definition);
            return student.Model.Parameters.Sum(p => p.Tensor.numel());
        });
        Assert.Equal(parameters, Amount(alone, "trained"));
        Assert.InRange(Amount(alone, "work"), 6.0 * 10_000 * 1e4, 6.0 * 10_000 * 1e5);
        Assert.DoesNotContain(alone.Lines, l => l.What.StartsWith("teacher", StringComparison.Ordinal));
        StagePlan scored = Made.UpdateStudent(options with { Objectives = new() { Alm = new() { Scores = TeacherScoring.Online } } }, context).Plan(null);
        Assert.True(Amount(scored, "teacher work") > 0);
        Assert.DoesNotContain(scored.Lines, l => l.What == "whole logits");
        Assert.True(Amount(beside, "teacher work") > 0 && Amount(beside, "teacher memory") > 0 && Amount(beside, "whole logits") > 0);
        StagePlan score = Made.ScoreTeacher(new(), context).Plan(30);
        Assert.Equal((30L, 3000.0, 12000.0), (score.Records, Amount(score, "tokens"), Amount(score, "on disk")));

        static double Amount(StagePlan plan, string what) => plan.Lines.Single(l => l.What == what).Amount;
    }

    private OnlineTeacher Online(RunDefinition definition)
        => new((TorchTeacher)_run.Teachers.Get(_run.Context(definition)), [0, 1, 2], withLogits: true, _run.Device.Device);

    private StepReport Step(RunDefinition definition, UpdateStudentOptions options, Example[] examples, OnlineTeacher? teacher)
    {
        using LanguageModel student = _run.CreateStudent(definition);
        TrainedParameters.Choose(student, options, 1);
        using var trainer = new Trainer(options, student, StudentObjectives.Create(options.Objectives, student.Model.Config, RunSite.Of(_run.Context(definition)), () => _run.Teachers.Get(_run.Context(definition)), TestDevice.Device), teacher);
        StudentBatch batch = new(examples, examples.Max(e => e.Student.Count), default);
        return trainer.Step([(batch, trainer.Tables(batch))], 0);
    }
}
