using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Language;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Combine;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tests.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Student;

[Collection(TorchCollection.Name)]
public sealed class StudentStepTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(nameof(TrainMode.Full), false, false)]
    [InlineData(nameof(TrainMode.Full), true, true)]
    [InlineData(nameof(TrainMode.Embeddings), false, false)]
    [InlineData(nameof(TrainMode.Lora), false, true)]
    public async Task Gradients_combined_at_the_last_layer_are_plain_gradients_of_the_weighted_sum(string trainName, bool checkpointing, bool keepVocabulary)
    {
        TrainMode train = Enum.Parse<TrainMode>(trainName);
        RunDefinition definition = _run.Definition(keepVocabulary ? null : "bytes");
        Example[] examples = [.. await _run.ScoreAsync(definition, TinyRun.Documents(5), new() { HiddenLayers = [0, 1, -1] })];
        var options = Options(train) with
        {
            Objectives = new() { Alm = new(), Sft = new() { Weight = 0.5 }, Latents = new() { Layers = LatentLayers.All } },
            ActivationCheckpointing = checkpointing,
        };
        await _run.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using LanguageModel student = Student(definition, options);
            StudentBatch batch = Batch(examples);
            (double[] weights, Dictionary<string, float[]> split) = Gradients(student, options, batch, new CombineOptions(), null);
            (_, Dictionary<string, float[]> plain) = Gradients(student, options, batch, new CombineOptions { Rule = CombineRule.Fixed }, weights);
            Assert.Equal(1, weights.Sum(), 6);
            Assert.Equal(plain.Keys.Order(), split.Keys.Order());
            Assert.Equal(student.Trainable.Count, plain.Count);
            foreach ((string name, float[] expected) in plain)
                AssertClose(name, expected, split[name]);

            if (student.LastLayerParameters.Length == 0)
                return;
            double[] norms = [.. Enumerable.Range(0, 3).Select(k => Norm(student, Gradients(student, options, batch, new CombineOptions { Rule = CombineRule.Fixed },
                [.. Enumerable.Range(0, 3).Select(i => i == k ? 1 / (i == 1 ? 0.5 : 1) : 0.0)]).Gradients))];
            double sum = norms.Sum(n => 1 / n);
            for (int k = 0; k < 3; k++)
                Assert.InRange(weights[k] * norms[k] * sum, 0.998, 1.002);
        });
    }

    [Fact]
    public async Task Small_batches_of_a_step_add_up_to_the_large_one()
    {
        RunDefinition definition = _run.Definition();
        Example[] examples = [.. await _run.ScoreAsync(definition, TinyRun.Documents(6), new() { HiddenLayers = [-1] })];
        var options = Options(TrainMode.Full) with { Objectives = new() { Alm = new(), Sft = new(), Latents = new() }, Combine = new() { Rule = CombineRule.Fixed } };
        await _run.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using LanguageModel student = Student(definition, options);
            (_, Dictionary<string, float[]> whole) = Gradients(student, options, [Batch(examples)]);
            (_, Dictionary<string, float[]> parts) = Gradients(student, options, [Batch(examples[..1]), Batch(examples[1..4]), Batch(examples[4..])]);
            foreach ((string name, float[] expected) in whole)
                AssertClose(name, expected, parts[name]);
        });
    }

    [Fact]
    public async Task A_step_that_is_not_finite_changes_nothing()
    {
        RunDefinition definition = _run.Definition();
        Example[] examples = [.. await _run.ScoreAsync(definition, TinyRun.Documents(6))];
        Example[] without = [.. examples.Where(e => !e.Text.Contains('T', StringComparison.Ordinal))], with = [.. examples.Where(e => e.Text.Contains('T', StringComparison.Ordinal))];
        var options = Options(TrainMode.Full);
        await _run.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using LanguageModel student = Student(definition, options);
            using (no_grad())
                student.Model.EmbeddingWeight[(int)'T'].fill_(float.NaN);
            using var trainer = new Trainer(options, student, StudentObjectives.Create(options.Objectives, student.Model.Config, RunSite.Of(_run.Context(definition)), () => _run.Teachers.Get(_run.Context(definition)), student.Device));
            float[][] before = Weights(trainer);
            StepReport skipped = trainer.Step([(Batch(with), trainer.Tables(Batch(with)))], 0);
            Assert.False(skipped.Applied);
            Assert.Equal(before, Weights(trainer));
            StepReport applied = trainer.Step([(Batch(without), trainer.Tables(Batch(without)))], 1);
            Assert.True(applied.Applied);
            Assert.NotEqual(before, Weights(trainer));
        });

        static float[][] Weights(Trainer trainer) => [.. trainer.Weights.Select(w => w.Tensor.detach().cpu().data<float>().ToArray())];
    }

    [Fact]
    public async Task Updates_too_small_for_bfloat16_are_not_lost()
    {
        RunDefinition definition = _run.Definition();
        Example[] examples = [.. await _run.ScoreAsync(definition, TinyRun.Documents(4))];
        var options = Options(TrainMode.Full) with { LearningRate = 1e-5, Steps = 30, Objectives = new() { Sft = new() } };
        await _run.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using var model = Stages.Models.CausalLm.Load(_run.Teacher, _run.Storage, CPU, ScalarType.BFloat16);
            using LanguageModel student = new(model, Stages.Tokenization.TextTokenizer.Load("bytes", _run.Storage), null);
            TrainedParameters.Choose(student, options, 1);
            using var trainer = new Trainer(options, student, StudentObjectives.Create(options.Objectives, model.Config, RunSite.Of(_run.Context(definition)), () => _run.Teachers.Get(_run.Context(definition)), TestDevice.Device));
            Tensor before = trainer.Weights.First(w => w.Name.EndsWith("q_proj.weight", StringComparison.Ordinal)).Tensor.detach().clone();
            for (int step = 0; step < 30; step++)
                trainer.Step([(Batch(examples), trainer.Tables(Batch(examples)))], step);
            Tensor after = trainer.Weights.First(w => w.Name.EndsWith("q_proj.weight", StringComparison.Ordinal)).Tensor.detach();
            Tensor used = student.Trainable.First(w => w.Name.EndsWith("q_proj.weight", StringComparison.Ordinal)).Tensor.detach();
            Assert.Equal(ScalarType.Float32, after.dtype);
            Assert.InRange((after - before).abs().mean().item<float>(), 2e-5f, 3e-4f);
            Assert.True(used.allclose(after.to_type(ScalarType.BFloat16)));
        });
    }

    private static UpdateStudentOptions Options(TrainMode train)
        => new() { To = "student", Steps = 4, Train = train, Objectives = new() { Alm = new(), Sft = new() }, LearningRate = 1e-2, Lora = new() { Rank = 4 } };

    private LanguageModel Student(RunDefinition definition, UpdateStudentOptions options)
    {
        LanguageModel student = _run.CreateStudent(definition);
        TrainedParameters.Choose(student, options, 1);
        if (definition.Student!.Tokenizer is null)
        {
            // A student that is its teacher has no gradient but the rounding of the cache.
            using var quiet = no_grad();
            student.Model.EmbeddingWeight.mul_(1.3);
        }
        if (options.Train == TrainMode.Lora)
        {
            // The second half of an adapter begins at 0, and the first has no gradient then.
            using var quiet = no_grad();
            foreach ((string name, var tensor) in student.Trainable.Where(p => p.Name.EndsWith("lora_B.weight", StringComparison.Ordinal)))
                tensor.fill_(0.02);
        }
        return student;
    }

    private static StudentBatch Batch(Example[] examples) => new(examples, examples.Max(e => e.Student.Count), default);

    private (double[] Weights, Dictionary<string, float[]> Gradients) Gradients(
        LanguageModel student, UpdateStudentOptions options, StudentBatch batch, CombineOptions combine, double[]? weights)
        => Gradients(student, options with { Combine = combine }, [batch], weights);

    private (double[] Weights, Dictionary<string, float[]> Gradients) Gradients(LanguageModel student, UpdateStudentOptions options, StudentBatch[] batches, double[]? weights = null)
    {
        using var scope = NewDisposeScope();
        foreach ((_, var tensor) in student.Trainable)
            tensor.grad = null;
        using StudentObjectives objectives = StudentObjectives.Create(options.Objectives, student.Model.Config, RunSite.Of(_run.Context(_run.Definition())), () => _run.Teachers.Get(_run.Context(_run.Definition())), student.Device);
        var step = new StudentStep(student, objectives.All, GradientCombination.Create(options.Combine, objectives.All.Count), options.ActivationCheckpointing);
        BatchTables[] tables = [.. batches.Select(objectives.Tables)];
        double[] counts = [.. objectives.All.Select(o => tables.Sum(o.Count))];
        for (int i = 0; i < batches.Length; i++)
            weights = step.Accumulate(batches[i], tables[i], tables, counts, 0, weights).Weights;
        return (weights!, student.Trainable.Where(p => p.Tensor.grad is not null).ToDictionary(p => p.Name, p => p.Tensor.grad!.contiguous().cpu().data<float>().ToArray()));
    }

    private static double Norm(LanguageModel student, Dictionary<string, float[]> gradients)
        => Math.Sqrt(gradients.Where(g => g.Key.StartsWith($"model.layers.{student.Model.Config.Layers - 1}.", StringComparison.Ordinal)).SelectMany(g => g.Value).Sum(g => (double)g * g));

    private static void AssertClose(string name, float[] expected, float[] found)
    {
        double scale = Math.Max(1e-7, expected.Max(Math.Abs)), worst = expected.Zip(found, (a, b) => Math.Abs((double)a - b)).Max();
        Assert.True(worst <= 2e-4 * scale, $"{name}: {worst} of {scale}");
    }
}
