using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>A file whose tokenizer cannot be rebuilt is refused by name before any work, and teaches where the definition names its tokenizer.</summary>
public sealed class GgufVocabularyTests : IDisposable
{
    private const string Model = "tokenizer.ggml.model", Pre = "tokenizer.ggml.pre";

    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly TorchDevice _torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null);
    private readonly string _model = Path.Combine(Repository.Root, "data", "models", "tiny-llama");

    public void Dispose()
    {
        _torch.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(Model, "t5", "its tokenizer has the model 't5'; 'gpt2' (byte-level BPE) and 'llama' (SentencePiece's BPE) can be rebuilt")]
    [InlineData(Model, "bert", "its tokenizer has the model 'bert'")]
    [InlineData(Model, "rwkv", "its tokenizer has the model 'rwkv'")]
    [InlineData(Model, "none", "its tokenizer has the model 'none'")]
    [InlineData(Pre, "bloom", "its pre-tokenizer is 'bloom', which this program does not know; it knows ")]
    [InlineData(Pre, "default", "its pre-tokenizer is 'default', which this program does not know")]
    public async Task What_cannot_be_rebuilt_is_refused_with_what_to_name(string key, string value, string expected)
    {
        string file = await FileAsync(key, value);
        AlmAnswer check = await Alm.RunAsync(["check", Definition(file, ""), "--run", _folder["run"]], stages: StageTable.All);
        Assert.Equal(ExitCodes.Input, check.Code);
        Assert.Contains(expected, check.Error, StringComparison.Ordinal);
        Assert.Contains("give the folder of the model's own tokenizer too (teacher.tokenizer)", check.Error, StringComparison.Ordinal);
    }

    /// <summary>Names of pre-tokenizers that llama.cpp knows and this program does not: ids are ours, so it does not matter which it is.</summary>
    [Fact]
    public async Task It_teaches_where_its_tokenizer_is_named()
    {
        string file = await FileAsync(Pre, "bloom");
        AlmAnswer run = await Alm.RunAsync(["run", Definition(file, $", \"tokenizer\": \"{_model}\""), "--run", _folder["run"]], stages: StageTable.All);
        Assert.True(run.Code == 0, run.Error);
    }

    private async Task<string> FileAsync(string key, string value)
    {
        string whole = _folder["whole.gguf"], file = _folder["teacher.gguf"];
        await _torch.RunAsync(() => GgufModelFile.Convert(_model, null, whole, GgufType.F16, _storage, _torch), default);
        GgufCopy.Write(whole, file, (k, v) => k == key ? value : v);
        return file;
    }

    private string Definition(string file, string tokenizer) => _folder.Write("d.json", $$"""
        { "name": "d", "threads": 1, "teacher": { "backend": "gguf", "model": "{{file}}" {{tokenizer}} }, "student": { "model": "{{_model}}", "tokenizer": "bytes" },
          "flows": [ { "name": "score", "stages": [
            { "stage": "read-parquet", "files": ["{{Path.Combine(Repository.Root, "data", "text", "test.parquet")}}"], "maxRows": 3 },
            { "stage": "tokenize", "maxTeacherTokens": 64 }, { "stage": "score-teacher" }, { "stage": "write-shards", "to": "shards" } ] } ] }
        """);
}
