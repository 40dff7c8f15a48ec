using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Combine;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Student;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tests.NextBytes;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Student;

/// <summary>
/// A step's gradients against those of a slow twin: every loss by itself from the whole logits, through the whole model, with torch's own
/// gradients, then weighed and summed.
/// </summary>
[Collection(TorchCollection.Name)]
public sealed class StepTwinTests : IDisposable
{
    private static readonly Dictionary<string, ObjectivesOptions> s_objectives = new()
    {
        ["sft"] = new() { Sft = new() },
        ["alm"] = new() { Alm = new() },
        ["bytes"] = new() { Bytes = new() },
        ["alm sft"] = new() { Alm = new(), Sft = new() { Weight = 0.5 } },
        ["alm sft latents"] = new() { Alm = new(), Sft = new(), Latents = new() { Layers = LatentLayers.All } },
        ["sft bytes"] = new() { Sft = new(), Bytes = new() },
        ["alm bytes latents"] = new() { Alm = new() { Boundary = BoundaryMode.None }, Bytes = new(), Latents = new() },
        ["sft subword"] = new() { Sft = new(), SubwordBytes = new() },
        ["alm sft uld"] = new() { Alm = new(), Sft = new(), Uld = new() },
    };

    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    public static TheoryData<string, string?, string, bool, string> Cases
    {
        get
        {
            TheoryData<string, string?, string, bool, string> cases = [];
            foreach (string objectives in s_objectives.Keys)
                cases.Add(objectives, objectives.Contains("subword", StringComparison.Ordinal) ? null : "bytes", nameof(TrainMode.Full), false, nameof(CombineRule.Gradmag));
            foreach (string train in new[] { nameof(TrainMode.Lora), nameof(TrainMode.Embeddings) })
            {
                // Tied, and with a head of its own.
                cases.Add("alm sft", null, train, false, nameof(CombineRule.Gradmag));
                cases.Add("alm sft latents", "bytes", train, false, nameof(CombineRule.Gradmag));
            }
            cases.Add("alm sft", null, nameof(TrainMode.Full), false, nameof(CombineRule.Gradmag));
            cases.Add("alm sft", "bytes", nameof(TrainMode.Full), true, nameof(CombineRule.Gradmag));
            cases.Add("sft bytes", "bytes", nameof(TrainMode.Lora), true, nameof(CombineRule.Gradmag));
            foreach (string rule in new[] { nameof(CombineRule.Fixed), nameof(CombineRule.Clip), nameof(CombineRule.Gradnorm) })
                cases.Add("alm sft latents", "bytes", nameof(TrainMode.Full), false, rule);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_step_has_the_gradients_of_the_slow_twin(string objectives, string? tokenizer, string train, bool expansion, string rule)
    {
        RunDefinition definition = _run.Definition(tokenizer, expansion);
        Example[] examples = [.. await _run.ScoreAsync(definition, TinyRun.Documents(6), new() { HiddenLayers = [0, 1, -1], Bytes = NextByteKnowledge.Trunk })];
        var options = Options(objectives, train, rule);
        await _run.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using LanguageModel student = _run.CreateStudent(definition);
            Unsettle(student, options);
            // The second batch takes the weights of the first.
            Compare(student, definition, options, [Batch(examples[..4]), Batch(examples[4..])], (name, expected, found) =>
            {
                double scale = Math.Max(1e-7, expected.abs().max().item<float>()), worst = (expected - found).abs().max().item<float>();
                Assert.True(worst <= 2e-4 * scale, $"{name}: {worst} of {scale}");
            });
        });
    }

    [Fact]
    public async Task In_bfloat16_it_has_them_but_for_rounding()
    {
        RunDefinition definition = _run.Definition();
        Example[] examples = [.. await _run.ScoreAsync(definition, TinyRun.Documents(6))];
        await _run.Device.RunAsync(() =>
        {
            using var scope = NewDisposeScope();
            using LanguageModel student = new(CausalLm.Load(_run.Teacher, _run.Storage, TestDevice.Device, ScalarType.BFloat16), TextTokenizer.Load("bytes", _run.Storage), null);
            UpdateStudentOptions options = Options("alm sft", nameof(TrainMode.Full), nameof(CombineRule.Gradmag));
            Unsettle(student, options);
            Compare(student, definition, options, [Batch(examples)], (name, expected, found) =>
            {
                double off = (expected - found).norm().item<float>() / expected.norm().item<float>();
                Assert.True(off < 0.03, $"{name}: {off}");
            });
        });
    }

    private static UpdateStudentOptions Options(string objectives, string train, string rule) => new()
    {
        To = "student",
        Steps = 1,
        Train = Enum.Parse<TrainMode>(train),
        Objectives = s_objectives[objectives],
        Combine = new() { Rule = Enum.Parse<CombineRule>(rule) },
        Lora = new() { Rank = 4 },
    };

    private static StudentBatch Batch(Example[] examples) => new(examples, examples.Max(e => e.Student.Count), default);

    private static void Unsettle(LanguageModel student, UpdateStudentOptions options)
    {
        TrainedParameters.Choose(student, options, 1);
        using var quiet = no_grad();
        // A student that is its teacher has no gradient but the rounding of the cache; the second half of an adapter begins at 0.
        student.Model.EmbeddingWeight.mul_(1.3);
        foreach ((string name, var tensor) in student.Trainable.Where(p => p.Name.EndsWith("lora_B.weight", StringComparison.Ordinal)))
            tensor.fill_(0.02);
    }

    private void Compare(LanguageModel student, RunDefinition definition, UpdateStudentOptions options, StudentBatch[] batches, Action<string, Tensor, Tensor> compare)
    {
        RunSite site = RunSite.Of(_run.Context(definition));
        ITeacher Teacher() => _run.Teachers.Get(_run.Context(definition));
        using StudentObjectives objectives = StudentObjectives.Create(options.Objectives, student.Model.Config, site, Teacher, student.Device);
        OnlineTeacher? online = options.Objectives.Uld is null ? null : new((TorchTeacher)Teacher(), [0, 1, 2], withLogits: true, _run.Device.Device);
        BatchTables[] tables = [.. batches.Select(objectives.Tables)];
        double[] counts = [.. objectives.All.Select(o => tables.Sum(o.Count))];
        (string Name, Tensor Tensor)[] trained = [.. student.Trainable.Select(p => (p.Name, (Tensor)p.Tensor)), .. objectives.All.SelectMany(o => o.Parameters)];

        Tensor[][][] gradients_BKP = [.. batches.Select((batch, i) => Gradients(student, objectives, batch, tables[i], tables, counts, online?.Run(batch.Examples), trained))];
        var step = new StudentStep(student, objectives.All, GradientCombination.Create(options.Combine, objectives.All.Count), false, online);
        double[]? weights = null;
        for (int i = 0; i < batches.Length; i++)
            weights = step.Accumulate(batches[i], tables[i], tables, counts, 0, weights).Weights;

        if (objectives.All.Count > 1 && options.Combine.Rule is CombineRule.Gradmag && student.LastLayerParameters.Length > 0)
            CheckWeights(student, trained, gradients_BKP[0], weights!);
        for (int p = 0; p < trained.Length; p++)
        {
            Tensor expected = zeros_like(trained[p].Tensor, ScalarType.Float32);
            for (int k = 0; k < objectives.All.Count; k++)
                expected += gradients_BKP.Select(g => g[k][p]).Aggregate((a, b) => a + b) * (weights![k] * objectives.All[k].Weight.At(0));
            compare(trained[p].Name, expected, trained[p].Tensor.grad?.to_type(ScalarType.Float32) ?? zeros_like(expected));
        }
    }

    private static void CheckWeights(LanguageModel student, (string Name, Tensor Tensor)[] trained, Tensor[][] gradients_KP, double[] weights)
    {
        string last = $"model.layers.{student.Model.Config.Layers - 1}.";
        double[] norms = [.. gradients_KP.Select(g => GradientCombination.Norm(g.Where((_, p) => trained[p].Name.StartsWith(last, StringComparison.Ordinal))))];
        double sum = norms.Sum(n => 1 / n);
        for (int k = 0; k < norms.Length; k++)
            Assert.InRange(weights[k] * norms[k] * sum, 0.98, 1.02);
    }

    // [K][P] of one batch.
    private static Tensor[][] Gradients(
        LanguageModel student, StudentObjectives objectives, StudentBatch batch, BatchTables tables, BatchTables[] step, double[] counts, TeacherInputs? teacher, (string Name, Tensor Tensor)[] trained)
    {
        CausalLm model = student.Model;
        BatchTensors tensors = BatchTensors.Of(Array.ConvertAll(batch.Examples, e => e.Student.Ids), student.Device);
        using AttentionContext attention = model.CreateAttention(batch.Examples.Length, batch.Length, lengths: tensors.Lengths);
        List<Tensor> states = [student.Embed(tensors.Ids_BT)];
        Tensor last_BTH = model.FinalNorm(model.RunLayers(states[0], 0, model.Config.Layers, attention, collectHidden: states));
        states[^1] = last_BTH;
        Tensor last_NH = last_BTH.view(-1, model.Config.HiddenSize), head_VH = model.HeadWeight.to_type(ScalarType.Float32);
        Tensor logits_NV = TorchScripts.Product(last_NH.to_type(ScalarType.Float32), head_VH.t());
        Tensor logP_RV = logits_NV.narrow(1, 0, student.ValidRows).index_select(0, tensors.Real_R).log_softmax(1);
        Tensor likelihood_R = logP_RV.gather(1, tensors.Targets_R.clamp_min(0).unsqueeze(1)).squeeze(1).masked_fill(tensors.Targets_R.lt(0), 0);
        Tensor mass_R = logP_RV.masked_fill(student.BoundaryMask_V.narrow(0, 0, student.ValidRows).logical_not(), double.NegativeInfinity).logsumexp(1);
        var inputs = new ObjectiveInputs
        {
            Tables = tables,
            Step = step,
            LogLikelihood_N = tensors.LogLikelihood_N(likelihood_R),
            LogBoundary_N = tensors.LogBoundary_N(mass_R),
            Hidden_NH = Enumerable.Range(0, states.Count).ToDictionary(l => l, l => states[l].reshape(-1, model.Config.HiddenSize).to_type(ScalarType.Float32)),
            Logits_NV = OnlineTeacher.Logits(model, last_NH, student.ValidRows),
            // By itself against a slow twin of its own.
            ByteDivergence = tables.Bytes is null ? null : ByteDivergenceTests.Sum(last_NH, model.HeadWeight, StudentBytes.VocabularyOf(student), tables.Bytes, null),
            Teacher = teacher,
        };
        Tensor[] losses = [.. objectives.All.Select((o, k) => o.Compute(inputs).Sum / counts[k])];
        Tensor[][] gradients = [];
        BackwardFailure.Run(() =>
            gradients = [.. losses.Select(loss => TorchScripts.Gradients(loss, [.. trained.Select(p => p.Tensor)], retain: true).Select(g => g.to_type(ScalarType.Float32)).ToArray())]);
        return gradients;
    }
}
