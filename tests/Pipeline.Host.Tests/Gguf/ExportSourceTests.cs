using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>What a file holds does not depend on how the folder it is made of is laid out.</summary>
public sealed class ExportSourceTests : IDisposable
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

    [Theory]
    [InlineData(GgufType.F32)]
    [InlineData(GgufType.Q8_0)]
    public async Task Weights_in_several_files_give_the_same_file(GgufType type)
    {
        await _torch.RunAsync(() => Split(_folder["split"]), default);
        Assert.True(Directory.GetFiles(_folder["split"], "model-*.safetensors").Length > 3);
        Assert.Equal(await ExportAsync(_model, type), await ExportAsync(_folder["split"], type));
    }

    [Theory]
    [InlineData("llama", true, false)]
    [InlineData("llama", false, true)]
    [InlineData("qwen3", true, false)]
    [InlineData("qwen3", false, true)]
    [InlineData("gemma", true, false)]
    [InlineData("olmo2", true, true)]
    [InlineData("olmo2", false, true)]
    public async Task A_head_is_written_where_it_is_one_of_its_own_or_the_family_has_no_other(string family, bool tied, bool expected)
    {
        string file = _folder["model.gguf"];
        IReadOnlyList<string> remarks = await _torch.RunAsync(() => Export(family, tied, file), default);
        using GgufFile read = GgufFile.Open(file, _storage);
        Assert.Equal(expected, read.Tensors.Any(t => t.Name == "output.weight"));
        Assert.Equal(tied && expected, remarks.Any(r => r.Contains("the embeddings are written twice", StringComparison.Ordinal)));
        Assert.Contains(remarks, r => r.Contains("the model has no tokenizer", StringComparison.Ordinal));
    }

    private async Task<byte[]> ExportAsync(string folder, GgufType type)
    {
        string file = _folder["model.gguf"];
        await _torch.RunAsync(() => GgufModelFile.Convert(folder, null, file, type, _storage, _torch), default);
        return await File.ReadAllBytesAsync(file);
    }

    // Touch torch: compiled after it is loaded.
    private void Split(string folder)
    {
        using LanguageModel model = LanguageModel.Load(_model, TextTokenizer.Load(_model, _storage), _storage, _torch);
        _storage.CreateDirectory(folder);
        model.Tokenizer.Save(folder, _storage);
        model.Model.Save(folder, _storage, new ExportOptions(ScalarType.Float32, MaxShardBytes: 1_000_000));
        Assert.True(File.Exists(Path.Combine(folder, SafetensorsFolder.IndexName)));
    }

    private IReadOnlyList<string> Export(string family, bool tied, string file)
    {
        ModelConfig config = ModelConfig.Parse($$"""
            {"model_type": "{{family}}", "num_hidden_layers": 1, "hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 8, "vocab_size": 40,
             "tie_word_embeddings": {{(tied ? "true" : "false")}}}
            """, family);
        using LanguageModel model = new(CausalLm.Create(config, 1, CPU, ScalarType.Float32), null);
        return GgufModelFile.Write(model, file, GgufType.F32, null, _storage);
    }
}
