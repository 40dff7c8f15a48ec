using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Host.Gguf;
using Pipeline.Stages;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Teacher.Gguf;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>Whole runs with llama.cpp beside them: what they write, and what they take of the machine.</summary>
public sealed class GgufRunTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly TorchDevice _torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null);
    private readonly string _model = Path.Combine(Repository.Root, "data", "models", "tiny-llama");

    public void Dispose()
    {
        _torch.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_run_whose_process_is_killed_goes_on_to_the_same_shards_in_other_batches_and_threads()
    {
        string file = _folder["teacher.gguf"];
        await _torch.RunAsync(() => GgufModelFile.Convert(_model, null, file, GgufType.F32, _storage, _torch), default);
        AlmAnswer plain = await Alm.RunAsync(["run", Definition(file, threads: 1, chunkTokens: 256, batchTokens: 8192), "--run", _folder["plain"]], stages: StageTable.All);
        Assert.True(plain.Code == 0, plain.Error);

        string definition = Definition(file, threads: 2, chunkTokens: 33, batchTokens: 300);
        TeacherRegistration killing = TeacherRegistration.Of<GgufTeacherDefinition>(
            GgufTeacherDefinition.Name, "Kills its process.", _ => new TeacherAbilities(BoundaryKnowledge.Exact, NextByteKnowledge.Trunk), (teacher, context) => new KilledTeacher(new GgufTeacher(
                file, teacher, SideTokenizers.Teacher(RunSite.Of(context)), _storage, new GgufWorkers(), context.Definition.Threads)));
        AlmAnswer killed = await Alm.RunAsync(
            ["run", definition, "--run", _folder["killed"]], stages: StageTable.All, teachers: [.. TeacherTable.All.Where(t => t.Name != killing.Name), killing]);
        Assert.NotEqual(0, killed.Code);
        Assert.Contains("was ended by signal 9", killed.Error, StringComparison.Ordinal);
        AlmAnswer again = await Alm.RunAsync(["run", definition, "--run", _folder["killed"]], stages: StageTable.All);
        Assert.True(again.Code == 0, again.Error);

        string[] names = [.. Directory.GetFiles(_folder["plain/shards"]).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];
        Assert.True(names.Length > 3);
        Assert.Equal(names, Directory.GetFiles(_folder["killed/shards"]).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        Assert.All(names, name => Assert.Equal(File.ReadAllBytes(_folder[$"plain/shards/{name}"]), File.ReadAllBytes(_folder[$"killed/shards/{name}"])));
    }

    /// <summary>Beside the file and the runtime it is the logits that grow: as <c>check</c> says, by the chunk.</summary>
    [Fact]
    public async Task The_process_takes_the_memory_that_check_says()
    {
        string file = _folder["wide.gguf"];
        await _torch.RunAsync(() => MakeWide(file), default);
        (double said, double taken) little = await MemoryAsync(file, chunkTokens: 64), much = await MemoryAsync(file, chunkTokens: 1024);
        Assert.True(much.said - little.said > 250e6);
        Assert.InRange((much.taken - little.taken) / (much.said - little.said), 0.8, 1.2);
        // Besides: the runtime and llama.cpp's libraries.
        Assert.InRange(little.taken - little.said, 0, 250e6);
    }

    private async Task<(double Said, double Taken)> MemoryAsync(string file, int chunkTokens)
    {
        AlmAnswer check = await Alm.RunAsync(["check", Definition(file, threads: 1, chunkTokens, batchTokens: 8192, maxTeacherTokens: 1200), "--run", _folder["run"]], stages: StageTable.All);
        Assert.True(check.Code == 0, check.Error);
        Match line = Regex.Match(check.Output, @"llama[.]cpp\s+(?<number>[0-9.,]+) (?<unit>[KMG]i?B)");
        Assert.True(line.Success, check.Output);
        double said = double.Parse(line.Groups["number"].Value, CultureInfo.InvariantCulture) * line.Groups["unit"].Value switch { "KiB" => 1 << 10, "MiB" => 1 << 20, "GiB" => 1 << 30, "MB" => 1e6, "GB" => 1e9, _ => 1e3 };

        await using GgufTeacher teacher = new(file, new GgufTeacherDefinition { Model = file, ChunkTokens = chunkTokens }, TextTokenizer.Load(file, _storage), _storage, new GgufWorkers(), 1);
        await teacher.ScoreAsync(new TeacherRequest([new TeacherQuestion([.. Enumerable.Range(0, 1200).Select(i => i % 250)])]), default);
        string peak = File.ReadLines($"/proc/{teacher.ProcessId}/status").Single(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
        double taken = 1024 * double.Parse(Regex.Match(peak, "[0-9]+").Value, CultureInfo.InvariantCulture);
        output.WriteLine($"chunks of {chunkTokens}: check says {said / 1e6:F0} MB, the process took {taken / 1e6:F0} MB");
        return (said, taken);
    }

    private string Definition(string file, int threads, int chunkTokens, int batchTokens, int maxTeacherTokens = 256) => _folder.Write($"d{chunkTokens}.json", $$"""
        { "name": "d", "threads": {{threads}}, "teacher": { "backend": "gguf", "model": "{{file}}", "chunkTokens": {{chunkTokens}} }, "student": { "model": "{{_model}}", "tokenizer": "bytes" },
          "flows": [ { "name": "score", "stages": [
            { "stage": "read-parquet", "files": ["{{Path.Combine(Repository.Root, "data", "text", "test.parquet")}}"], "maxRows": 24 },
            { "stage": "tokenize", "maxTeacherTokens": {{maxTeacherTokens}} }, { "stage": "score-teacher", "bytes": "trunk", "window": 8, "batchTokens": {{batchTokens}} }, { "stage": "write-shards", "to": "shards", "count": 3 } ] } ] }
        """);

    // Touches torch: compiled after it is loaded. Small but for its vocabulary.
    private void MakeWide(string file)
    {
        ModelConfig config = ModelConfig.Parse(
            """{"model_type": "llama", "num_hidden_layers": 1, "hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2, "vocab_size": 40000, "tie_word_embeddings": true}""", "wide");
        using LanguageModel model = new(CausalLm.Create(config, 1, CPU, ScalarType.Float32), TextTokenizer.Bytes(["<s>", "</s>", "<pad>"], "<s>", "</s>", "<pad>"));
        GgufModelFile.Write(model, file, GgufType.F32, null, _storage);
    }

    /// <summary>Loses its process in the middle of the work, as one does to whom the kernel gives no more memory.</summary>
    private sealed class KilledTeacher(GgufTeacher teacher) : ITeacher
    {
        private int _asked;

        public TeacherFacts Facts => teacher.Facts;

        public IReadOnlyDictionary<string, string> Fingerprint => teacher.Fingerprint;

        public Task<IReadOnlyList<TeacherAnswer>> ScoreAsync(TeacherRequest request, CancellationToken cancellationToken)
        {
            if (++_asked == 6)
            {
                using Process worker = Process.GetProcessById(teacher.ProcessId!.Value);
                worker.Kill();
            }
            return teacher.ScoreAsync(request, cancellationToken);
        }

        public ValueTask ReleaseAsync() => teacher.ReleaseAsync();

        public ValueTask DisposeAsync() => teacher.DisposeAsync();
    }
}
