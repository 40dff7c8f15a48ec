using System.Text.Json;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tests.Models;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Student;

[Collection(TorchCollection.Name)]
public sealed class UpdateStudentSinkTests : IDisposable
{
    private const string Weights = "model.safetensors";
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task A_run_that_was_stopped_and_goes_on_writes_the_same_bytes()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(24), options: new() { HiddenLayers = [-1] });
        UpdateStudentOptions options = new()
        {
            To = "straight",
            Steps = 6,
            Accumulate = 2,
            LearningRate = 5e-3,
            WarmupSteps = 2,
            CheckpointEvery = 100,
            Objectives = new() { Alm = new(), Sft = new(), Latents = new() { Projector = true } },
            Combine = new() { Rule = Stages.Objectives.Combine.CombineRule.Gradnorm },
        };
        await _run.TrainAsync(definition, "shards", options);
        using var stop = new CancellationTokenSource();
        _run.OnProgress = done =>
        {
            if (done == 3)
                stop.Cancel();
        };
        InterruptedException stopped = await Assert.ThrowsAsync<InterruptedException>(() => _run.TrainAsync(definition, "shards", options with { To = "halves" }, stop: stop.Token));
        Assert.Contains("after step 3 of 6", stopped.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_run[$"halves/{Weights}"]));
        _run.OnProgress = static _ => { };
        await _run.TrainAsync(definition, "shards", options with { To = "halves" });
        Assert.Contains("continuing from step 3 of 6", _run.Said);
        Assert.Equal(File.ReadAllBytes(_run[$"straight/{Weights}"]), File.ReadAllBytes(_run[$"halves/{Weights}"]));
        Assert.NotEqual(File.ReadAllBytes(_run[$"straight-initial/{Weights}"]), File.ReadAllBytes(_run[$"straight/{Weights}"]));
        string last = Directory.GetDirectories(_run["checkpoints/straight"]).Order().Last();
        using SafetensorsFile checkpoint = SafetensorsFile.Open(Path.Combine(last, "weights.safetensors"), _run.Storage);
        Assert.Contains("latents.kernel", checkpoint.Entries.Select(e => e.Name));
    }

    [Fact]
    public async Task Without_steps_the_student_is_written_as_it_began()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(4));
        await _run.TrainAsync(definition, "shards", new() { To = "student", Steps = 0, Objectives = new() { Sft = new() } });
        Assert.Equal(File.ReadAllBytes(_run[$"student-initial/{Weights}"]), File.ReadAllBytes(_run[$"student/{Weights}"]));
    }

    [Fact]
    public async Task The_written_folder_is_the_trained_model_with_its_own_vocabulary()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(8));
        await _run.TrainAsync(definition, "shards", new() { To = "student", Steps = 2, LearningRate = 1e-2, Objectives = new() { Alm = new(), Sft = new() } });

        TextTokenizer tokenizer = TextTokenizer.Load(_run["student"], _run.Storage);
        Assert.Equal(256 + 5, tokenizer.VocabularySize);
        JsonElement config = JsonDocument.Parse(File.ReadAllText(_run["student/config.json"])).RootElement;
        Assert.Equal(tokenizer.VocabularySize, config.GetProperty("vocab_size").GetInt32());
        Assert.False(config.GetProperty("tie_word_embeddings").GetBoolean());
        Assert.Equal(tokenizer.BosId, config.GetProperty("bos_token_id").GetInt32());
        Assert.Contains(tokenizer.EosId!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture), config.GetProperty("eos_token_id").GetRawText(), StringComparison.Ordinal);

        using SafetensorsFile checkpoint = SafetensorsFile.Open(Path.Combine(Directory.GetDirectories(_run["checkpoints/student"]).Order().Last(), "weights.safetensors"), _run.Storage);
        using CausalLm model = CausalLm.Load(_run["student"], _run.Storage, CPU, ScalarType.Float32);
        Assert.Equal(checkpoint.Entries.Select(e => e.Name).Order(), model.Parameters.Select(p => p.Name).Order());
        foreach ((string name, var tensor) in model.Parameters)
            Assert.Equal(checkpoint.View(name).data<float>().ToArray(), tensor.data<float>().ToArray());
    }

    [Theory]
    [InlineData(nameof(TrainMode.Full), "model.layers.0.*")]
    [InlineData(nameof(TrainMode.Embeddings), null)]
    [InlineData(nameof(TrainMode.Lora), null)]
    public async Task Only_what_is_to_be_trained_changes(string trainName, string? freeze)
    {
        TrainMode train = Enum.Parse<TrainMode>(trainName);
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(8));
        await _run.TrainAsync(definition, "shards", new()
        {
            To = "student",
            Steps = 3,
            LearningRate = 1e-2,
            Train = train,
            Freeze = freeze is null ? [] : [freeze],
            Lora = new() { Rank = 4, Targets = ["q_proj", "down_proj"] },
            Objectives = new() { Alm = new(), Sft = new() },
        });
        using CausalLm before = CausalLm.Load(_run["student-initial"], _run.Storage, CPU, ScalarType.Float32), after = CausalLm.Load(_run["student"], _run.Storage, CPU, ScalarType.Float32);
        foreach (((string name, var old), (string _, var changed)) in before.Parameters.Zip(after.Parameters))
        {
            bool embedding = name is "model.embed_tokens.weight" or "lm_head.weight";
            bool expected = train switch
            {
                TrainMode.Full => !name.StartsWith("model.layers.0.", StringComparison.Ordinal),
                TrainMode.Embeddings => embedding,
                _ => embedding || name.Contains("q_proj", StringComparison.Ordinal) || name.Contains("down_proj", StringComparison.Ordinal),
            };
            Assert.True(expected != old.data<float>().SequenceEqual(changed.data<float>()), name);
        }
    }

    [Fact]
    public async Task Low_rank_updates_are_written_as_an_adapter_that_makes_the_student_of_its_beginning()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(8));
        await _run.TrainAsync(definition, "shards", new()
        {
            To = "student",
            Steps = 3,
            LearningRate = 1e-2,
            Train = TrainMode.Lora,
            ExportAdapter = true,
            Lora = new() { Rank = 4 },
            Objectives = new() { Sft = new() },
        });
        Assert.Equal((14, 2), await AdapterMerge.WriteAsync(_run["student-initial"], _run["student-adapter"], _run["merged"], WeightType.Float32, _run.Storage, _run.Device, default));
        using SafetensorsFile student = SafetensorsFile.Open(_run[$"student/{Weights}"], _run.Storage), merged = SafetensorsFile.Open(_run[$"merged/{Weights}"], _run.Storage);
        Assert.Equal(student.Entries.Select(e => e.Name), merged.Entries.Select(e => e.Name));
        foreach (string name in student.Entries.Select(e => e.Name))
            Assert.Equal(0, GoldenModels.MaxDifference(student.View(name), merged.View(name)), 1e-6);
    }

    [Theory]
    [InlineData("gradient")]
    [InlineData("loss")]
    public async Task A_step_that_is_not_finite_changes_nothing_is_counted_and_above_the_limit_stops_at_the_last_checkpoint(string what)
    {
        RunDefinition definition = _run.Definition(model: what == "loss" ? Overflowing() : null);
        await _run.WriteShardsAsync(_run.Definition(), "shards", TinyRun.Documents(8));
        // A loss of 5 times 1e30 has a gradient whose squares are beyond float32; the loss itself is finite.
        UpdateStudentOptions options = new()
        {
            To = "student",
            Steps = 9,
            MaxSkippedSteps = 9,
            CheckpointEvery = 2,
            LearningRate = 1e-3,
            ClipNorm = 0,
            Objectives = new() { Sft = new() { Weight = what == "loss" ? 1 : 1e30 } },
        };
        InputException e = await Assert.ThrowsAsync<InputException>(() => _run.TrainAsync(definition, "shards", options with { MaxSkippedSteps = 4 }));
        Assert.Contains("5 steps had a loss or gradient that is not finite, 4 are allowed; stopped at step 5, the checkpoint of step 4 is kept", e.Message, StringComparison.Ordinal);
        Assert.Matches("Documents of its batches: 0000000000000007:[0-9]+", e.Message);
        Assert.Equal(5, _run.Counts["skippedSteps"]);
        Assert.Contains(_run.Said, s => s.StartsWith("step 5 skipped: loss or gradient is not finite", StringComparison.Ordinal));
        Assert.Equal(what == "gradient", _run.Scalars.Where(s => s.Name == "loss/sft").All(s => double.IsFinite(s.Value)));
        Assert.False(File.Exists(_run[$"student/{Weights}"]));
        Assert.EndsWith("step-0000000004", Directory.GetDirectories(_run["checkpoints/student"]).Order().Last(), StringComparison.Ordinal);

        // Within the limit the run goes on from there, and what it writes is what it began with.
        await _run.TrainAsync(definition, "shards", options);
        Assert.Contains("continuing from step 4 of 9", _run.Said);
        Assert.Equal(File.ReadAllBytes(_run[$"student-initial/{Weights}"]), File.ReadAllBytes(_run[$"student/{Weights}"]));
    }

    [Fact]
    public async Task A_student_that_never_gets_a_finite_step_stops_the_run_and_names_documents()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(8));
        InputException e = await Assert.ThrowsAsync<InputException>(() => _run.TrainAsync(definition, "shards", new()
        {
            To = "student",
            Steps = 9,
            MaxSkippedSteps = 2,
            LearningRate = 10,
            ClipNorm = 0,
            Epsilon = 1e-16,
            EmbeddingRate = 1000,
            Objectives = new() { Sft = new() { Weight = 1e30 } },
        }));
        Assert.Contains("0000000000000007:", e.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_run[$"student/{Weights}"]));
    }

    [Fact]
    public async Task A_damaged_checkpoint_is_named_and_the_one_before_is_taken()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(8));
        UpdateStudentOptions options = new() { To = "student", Steps = 4, CheckpointEvery = 2, LearningRate = 1e-2, Objectives = new() { Sft = new() } };
        await _run.TrainAsync(definition, "shards", options);
        byte[] straight = File.ReadAllBytes(_run[$"student/{Weights}"]);
        string newest = Path.Combine(Directory.GetDirectories(_run["checkpoints/student"]).Order().Last(), "weights.safetensors");
        byte[] bytes = File.ReadAllBytes(newest);
        bytes[^9] ^= 4;
        File.WriteAllBytes(newest, bytes);
        File.Delete(_run[$"student/{Weights}"]);
        await _run.TrainAsync(definition, "shards", options);
        Assert.Contains(_run.Said, s => s.Contains("is not used", StringComparison.Ordinal));
        Assert.Contains("continuing from step 2 of 4", _run.Said);
        Assert.Equal(straight, File.ReadAllBytes(_run[$"student/{Weights}"]));
    }

    [Fact]
    public async Task A_weight_that_the_type_to_be_written_does_not_hold_is_refused_before_the_first_step()
    {
        await _run.WriteShardsAsync(_run.Definition(), "shards", TinyRun.Documents(8));
        UpdateStudentOptions options = new() { To = "student", Steps = 2, LearningRate = 1e-3, Dtype = WeightType.Float16, Objectives = new() { Sft = new() } };
        InputException e = await Assert.ThrowsAsync<InputException>(() => _run.TrainAsync(_run.Definition(model: Overflowing()), "shards", options));
        Assert.Contains("'model.norm.weight' has a value of 1", e.Message, StringComparison.Ordinal);
        Assert.Empty(_run.Scalars);
    }

    // Every weight is a number, and no logit is.
    private string Overflowing()
    {
        string folder = _run["huge"];
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(_run.Teacher))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        byte[] bytes = File.ReadAllBytes(Path.Combine(folder, Weights));
        using (SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, Weights), _run.Storage))
            BitConverter.TryWriteBytes(bytes.AsSpan((int)file.Entry("model.norm.weight").Offset), 1e38f);
        File.WriteAllBytes(Path.Combine(folder, Weights), bytes);
        return folder;
    }

    [Fact]
    public async Task Several_students_learn_from_one_cache_each_with_its_own_vocabulary()
    {
        RunDefinition definition = _run.Definition();
        StudentDefinition other = new() { Model = _run.Teacher };
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(12));
        await _run.Teachers.ReleaseAsync();
        await _run.RealignAsync(definition, "shards", "shards-other", options: new() { Student = other });
        UpdateStudentOptions options = new() { To = "bytes", Steps = 2, LearningRate = 1e-3, Objectives = new() { Alm = new() } };
        await _run.TrainAsync(definition, "shards", options);
        await _run.TrainAsync(definition, "shards-other", options with { To = "subwords", Student = other });
        Assert.Equal(261, TextTokenizer.Load(_run["bytes"], _run.Storage).VocabularySize);
        Assert.Equal(TextTokenizer.Load(_run.Teacher, _run.Storage).Fingerprint, TextTokenizer.Load(_run["subwords"], _run.Storage).Fingerprint);
        Assert.True(File.Exists(_run["bytes-initial/config.json"]) && File.Exists(_run["subwords-initial/config.json"]));
        InputException e = await Assert.ThrowsAsync<InputException>(() => _run.TrainAsync(definition, "shards", options with { To = "wrong", Student = other }));
        Assert.Contains("student tokenizer", e.Message, StringComparison.Ordinal);
    }
}
