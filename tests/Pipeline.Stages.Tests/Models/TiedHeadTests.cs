using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Tests.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

/// <summary>A configuration that ties the head, and files that hold one: a copy passes, another is used and named.</summary>
[Collection(TorchCollection.Name)]
public sealed class TiedHeadTests : IDisposable
{
    private const string Config = """
        {"model_type": "llama", "num_hidden_layers": 1, "hidden_size": 24, "intermediate_size": 20, "num_attention_heads": 4, "num_key_value_heads": 2,
         "vocab_size": 30, "initializer_range": 0.4, "max_position_embeddings": 64, "tie_word_embeddings": true}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("alm-tied-").FullName;
    private readonly DiskStorage _storage = new();

    private static Tensor Probe => arange(10, dtype: ScalarType.Int64).view(2, 5);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void A_head_beside_tied_embeddings_is_used_where_it_is_another(float factor, bool isAnother)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable quiet = no_grad();
        Save(factor, [30, 24]);
        using CausalLm read = CausalLm.Load(_folder, _storage, CPU, ScalarType.Float32);
        Assert.Equal(isAnother, !read.Config.TieWordEmbeddings);
        Assert.Equal(isAnother, read.Remarks.Any(remark => remark.Contains("'lm_head.weight'", StringComparison.Ordinal) && remark.Contains("tie_word_embeddings", StringComparison.Ordinal)));
        Assert.Equal(isAnother, read.Remarks.Count == 1);
        Tensor logits = LogitsFile.Compute(read, Probe, null, null).Logits;

        // The same files by a configuration that does not tie.
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "config.json")))!.AsObject();
        config["tie_word_embeddings"] = false;
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
        using CausalLm untied = CausalLm.Load(_folder, _storage, CPU, ScalarType.Float32);
        Assert.Equal(0, (LogitsFile.Compute(untied, Probe, null, null).Logits - logits).abs().max().item<float>());
        Assert.Empty(untied.Remarks);

        string again = Path.Combine(_folder, "again");
        read.Save(again, _storage, ScalarType.Float32);
        using CausalLm exported = CausalLm.Load(again, _storage, CPU, ScalarType.Float32);
        Assert.Equal(0, (LogitsFile.Compute(exported, Probe, null, null).Logits - logits).abs().max().item<float>());
        Assert.Empty(exported.Remarks);
    }

    [Fact]
    public void A_head_of_another_shape_is_refused()
    {
        Save(1, [29, 24]);
        Assert.Contains("lm_head.weight", Assert.Throws<InputException>(() => CausalLm.Load(_folder, _storage, CPU, ScalarType.Float32)).Message, StringComparison.Ordinal);
    }

    private void Save(float factor, long[] headShape)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable quiet = no_grad();
        string made = Path.Combine(_folder, "made");
        using (CausalLm model = CausalLm.Create(ModelConfig.Parse(Config, "tied"), 3, CPU, ScalarType.Float32))
            model.Save(made, _storage, ScalarType.Float32);
        using SafetensorsFolder files = SafetensorsFolder.Open(made, _storage);
        Tensor head = files.View("model.embed_tokens.weight").narrow(0, 0, headShape[0]) * factor;
        SafetensorsWriter.WriteFolder(
            _folder, _storage, [.. files.Entries.Select(e => new TensorSource(e.Name, e.Type, files.View(e.Name))), new TensorSource("lm_head.weight", ScalarType.Float32, head)], 1L << 30);
        File.Copy(Path.Combine(made, "config.json"), Path.Combine(_folder, "config.json"));
    }
}
