using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Artifacts;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.HypernetworkTraining;
using Pipeline.Stages.Language;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tests.Torch;

namespace Pipeline.Stages.Tests.Hypernetworks;

[Collection(TorchCollection.Name)]
public sealed class TrainHypernetworkSinkTests : IDisposable
{
    private const string Weights = "hypernetwork.safetensors";

    private static readonly TrainHypernetworkOptions Options = new()
    {
        To = "straight",
        From = ["shards"],
        Steps = 6,
        LearningRate = 5e-3,
        WarmupSteps = 2,
        CheckpointEvery = 100,
        Lexical = 0.1,
        VocabularyRows = 300,
        Sft = new(),
        Network = new() { Layers = 1, HiddenSize = 32, MaxPieces = 4 },
        Sampling = new() { Documents = 6, History = 2, MinSize = 400, MaxSize = 500, Bpe = 0.2, Bytes = 0.2, PoolMebibytes = 1 },
    };

    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task A_run_that_was_stopped_and_goes_on_writes_the_same_bytes()
    {
        RunDefinition definition = await Shards();
        await Train(definition, Options);
        using var stop = new CancellationTokenSource();
        _run.OnProgress = done =>
        {
            if (done == 3) stop.Cancel();
        };
        await Assert.ThrowsAsync<InterruptedException>(() => Train(definition, Options with { To = "halves" }, stop.Token));
        _run.OnProgress = static _ => { };
        await Train(definition, Options with { To = "halves" });
        Assert.Contains("continuing from step 3 of 6", _run.Said);
        Assert.Equal(File.ReadAllBytes(_run[$"straight/{Weights}"]), File.ReadAllBytes(_run[$"halves/{Weights}"]));
        Assert.Contains(_run.Scalars, s => s.Name == "loss/lexical");
    }

    [Fact]
    public async Task The_model_stays_as_it_is_and_a_student_begins_with_predicted_rows()
    {
        RunDefinition definition = await Shards();
        byte[] before = File.ReadAllBytes(Path.Combine(_run.Teacher, "model.safetensors"));
        await Train(definition, Options with { Steps = 3, Network = Options.Network with { Architecture = NetworkArchitecture.Zett }, IdentitySteps = 1, Lexical = 0, Sft = null });
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(_run.Teacher, "model.safetensors")));
        VerificationReport report = ArtifactVerifier.Verify(_run.Storage, _run["straight"]);
        Assert.Empty(report.Findings);
        RunDefinition student = definition with { Student = definition.Student! with { Embeddings = "hypernetwork:run:straight", Untie = false } };
        RunDefinition fvt = definition with { Student = definition.Student! with { Untie = false } };
        await _run.Device.RunAsync(() =>
        {
            using LanguageModel made = _run.CreateStudent(student), other = _run.CreateStudent(fvt);
            Assert.Equal(other.Model.EmbeddingWeight.shape, made.Model.EmbeddingWeight.shape);
            Assert.True((made.Model.EmbeddingWeight - other.Model.EmbeddingWeight).abs().max().item<float>() > 1e-4);
            Assert.True(made.Model.Parameters.Single(p => p.Name == "model.layers.0.self_attn.q_proj.weight").Tensor.allclose(other.Model.Parameters.Single(p => p.Name == "model.layers.0.self_attn.q_proj.weight").Tensor));
        }, default);
    }

    [Fact]
    public async Task A_network_of_another_model_and_a_damaged_one_are_refused_by_name()
    {
        RunDefinition definition = await Shards();
        await Train(definition, Options with { Steps = 0 });
        _run.SaveModel(_run["wide"], TinyRun.Llama.Replace("\"hidden_size\": 32", "\"hidden_size\": 16", StringComparison.Ordinal), 4);
        foreach (string file in Directory.GetFiles(_run.Teacher, "tokenizer*")) File.Copy(file, Path.Combine(_run["wide"], Path.GetFileName(file)));
        RunDefinition other = definition with { Student = definition.Student! with { Model = _run["wide"], Embeddings = "hypernetwork:run:straight" } };
        InputException e = await Assert.ThrowsAsync<InputException>(() => _run.Device.RunAsync(() => _run.CreateStudent(other).Dispose(), default));
        Assert.Contains("this model has 1 of 384 of 16", e.Message, StringComparison.Ordinal);

        string manifest = _run["straight/hypernetwork.json"];
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("\"heads\": 4", "\"heads\": 2", StringComparison.Ordinal));
        Assert.Contains(ArtifactVerifier.Verify(_run.Storage, _run["straight"]).Findings, f => f.Path.EndsWith("straight", StringComparison.Ordinal) || f.Path == manifest);
    }

    [Fact]
    public async Task A_donor_with_the_tokenizer_gives_rows_by_pursuit_and_by_similarity()
    {
        RunDefinition definition = await Shards();
        TextTokenizerFolder(_run["donor"]);
        foreach (string how in new[] { "omp", "focus" })
        {
            RunDefinition student = definition with { Student = definition.Student! with { Tokenizer = _run["donor"], Embeddings = how, Donor = _run["donor"] } };
            await _run.Device.RunAsync(() =>
            {
                using LanguageModel made = _run.CreateStudent(student);
                Assert.True(made.Model.EmbeddingWeight.isfinite().all().item<bool>());
            }, default);
            InputException e = await Assert.ThrowsAsync<InputException>(() => _run.Device.RunAsync(
                () => _run.CreateStudent(student with { Student = student.Student! with { Donor = _run.Teacher } }).Dispose(), default));
            Assert.Contains("a donor must have the student's tokenizer", e.Message, StringComparison.Ordinal);
        }
    }

    private void TextTokenizerFolder(string folder)
    {
        Alignment.ToyTokenizer.ByteLevel(folder, 20, "<|begin|>", "<|end|>", ["<|begin|>", "<|end|>"], null);
        int size = Stages.Tokenization.TextTokenizer.Load(folder, _run.Storage).VocabularySize;
        _run.SaveModel(folder, TinyRun.Llama.Replace("\"vocab_size\": 384", $"\"vocab_size\": {size}", StringComparison.Ordinal), 8);
    }

    private async Task<RunDefinition> Shards()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(24));
        return definition;
    }

    private async Task Train(RunDefinition definition, TrainHypernetworkOptions options, CancellationToken stop = default)
    {
        var reading = new ReadShardsOptions { From = ["run:shards"], Epochs = 0 };
        StageContext context = _run.Context(definition, null, new WriteShardsOptions { To = "shards", Count = 2 }, reading) with { StopRequested = stop };
        var train = (TrainHypernetworkSink)TrainHypernetworkSink.Registration.Create(options, context);
        context = context with { Resume = train.ResumeAt };
        var read = Made.ReadShards(reading, context);
        var batch = Made.Batch(new BatchOptions { Tokens = 600, Window = 8 }, context);
        await train.RunAsync(batch.RunAsync(read.ReadAsync(default), default), default);
    }
}
