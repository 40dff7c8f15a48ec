using LLama.Native;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Host.Gguf;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Teacher.Gguf;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>
/// Files that llama.cpp quantized teach too: what that changes in the scores is said, and they come in the same bits however they are asked.
/// Here with a model of 4 M drawn parameters; <c>Pipeline.Benchmarks gguf</c> does the same with one of 134 M.
/// </summary>
public sealed class QuantizedTeacherTests : IDisposable
{
    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly TorchDevice _torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null);
    private readonly TextTokenizer _tokenizer;
    private readonly TeacherRequest _request;

    public QuantizedTeacherTests(ITestOutputHelper output)
    {
        _output = output;
        _tokenizer = TextTokenizer.Load(Path.Combine(Repository.Root, "data", "models", "tiny-llama"), _storage);
        TextEncoder encoder = _tokenizer.CreateEncoder();
        _request = new([.. QuickStart.Texts(8).Select(t => new TeacherQuestion(encoder.EncodeDocument(t, addBos: true, addEos: true).Ids))]);
    }

    public void Dispose()
    {
        _torch.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Quantized_files_score_and_what_they_change_is_said()
    {
        string folder = _folder["model"], whole = _folder["f32.gguf"];
        await _torch.RunAsync(() => Make(folder), default);
        await _torch.RunAsync(() => GgufModelFile.Convert(folder, null, whole, GgufType.F32, _storage, _torch), default);
        await using TorchTeacher torch = new(folder, _tokenizer, _storage, _torch);
        IReadOnlyList<TeacherAnswer> expected = await torch.ScoreAsync(_request, default);

        Effect f32 = await ScoreAsync(whole, expected), q8 = await ScoreAsync(Quantize(whole, LLamaFtype.MOSTLY_Q8_0), expected), q4 = await ScoreAsync(Quantize(whole, LLamaFtype.MOSTLY_Q4_K_M), expected);
        Assert.InRange(f32.Most, 0, 1e-4);
        Assert.InRange(q8.Average, 1e-4, 0.05);
        Assert.InRange(q4.Average, 3 * q8.Average, 0.5);

        // Ours of that type is as good, and mostly the same numbers: theirs leaves norms alone as ours does.
        string ours = _folder["ours.gguf"];
        await _torch.RunAsync(() => GgufModelFile.Convert(folder, null, ours, GgufType.Q8_0, _storage, _torch), default);
        Assert.InRange((await ScoreAsync(ours, expected)).Average, 0.8 * q8.Average, 1.2 * q8.Average);
        using GgufFile a = GgufFile.Open(ours, _storage), b = GgufFile.Open(_folder["MOSTLY_Q8_0.gguf"], _storage);
        Assert.Equal(b.Tensors.OrderBy(t => t.Name, StringComparer.Ordinal).Select(t => (t.Name, t.Type)), a.Tensors.OrderBy(t => t.Name, StringComparer.Ordinal).Select(t => (t.Name, t.Type)));
    }

    private string Quantize(string from, LLamaFtype type)
    {
        string to = _folder[$"{type}.gguf"];
        LlamaQuantizer.Write(from, to, type);
        return to;
    }

    private async Task<Effect> ScoreAsync(string file, IReadOnlyList<TeacherAnswer> expected)
    {
        await using GgufTeacher teacher = Teacher(file, chunkTokens: 256, threads: 1), other = Teacher(file, chunkTokens: 50, threads: 2);
        IReadOnlyList<TeacherAnswer> found = await teacher.ScoreAsync(_request, default);
        foreach ((TeacherAnswer one, TeacherAnswer two) in found.Zip(await other.ScoreAsync(_request, default)))
        {
            Assert.Equal(one.Scores.NegLogLikelihood, two.Scores.NegLogLikelihood);
            Assert.Equal(one.Scores.NegLogBoundary, two.Scores.NegLogBoundary);
        }
        double[] likelihood = Off(s => s.NegLogLikelihood), boundary = Off(s => s.NegLogBoundary!);
        _output.WriteLine($"{Path.GetFileName(file)}, {new FileInfo(file).Length >> 10} KiB: log-likelihoods off by {likelihood.Average():E1} on average, {likelihood.Max():E1} at most; log boundary masses by {boundary.Average():E1}, {boundary.Max():E1}");
        return new Effect(likelihood.Average(), Math.Max(likelihood.Max(), boundary.Max()));

        double[] Off(Func<TeacherScores, float[]> of) => [.. expected.Zip(found).SelectMany(p => of(p.First.Scores).Zip(of(p.Second.Scores), (a, b) => (double)Math.Abs(a - b)))];
    }

    private GgufTeacher Teacher(string file, int chunkTokens, int threads)
        => new(file, new GgufTeacherDefinition { Model = file, ChunkTokens = chunkTokens }, TextTokenizer.Load(file, _storage), _storage, new GgufWorkers(), threads);

    // Touches torch: compiled after it is loaded. Rows of 256 and 512: the blocks of Q4_K are of 256.
    private void Make(string folder)
    {
        ModelConfig config = ModelConfig.Parse(
            $$"""{"model_type": "llama", "num_hidden_layers": 6, "hidden_size": 256, "intermediate_size": 512, "num_attention_heads": 4, "vocab_size": {{_tokenizer.VocabularySize}}, "tie_word_embeddings": false, "initializer_range": 0.04}""", "drawn");
        using LanguageModel model = new(CausalLm.Create(config, 1, CPU, ScalarType.Float32), _tokenizer);
        _storage.CreateDirectory(folder);
        _tokenizer.Save(folder, _storage);
        model.Model.Save(folder, _storage, ScalarType.Float32);
    }

    private sealed record Effect(double Average, double Most);
}
