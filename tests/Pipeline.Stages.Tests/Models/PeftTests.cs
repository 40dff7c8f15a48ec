using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Peft;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Tests.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

[Collection(TorchCollection.Name)]
public sealed class PeftTests : IDisposable
{
    private const string Query = "base_model.model.model.layers.1.self_attn.q_proj";
    private readonly string _folder = Directory.CreateTempSubdirectory("alm-peft-").FullName;
    private readonly DiskStorage _storage = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("", 16.0 / 4)]
    [InlineData(""", "use_rslora": true""", 16 / 2.0)]
    [InlineData(""", "alpha_pattern": { "k_proj": 3, "1.self_attn.q_proj": 5 }, "rank_pattern": { "q_proj": 4 }""", 5.0 / 4)]
    [InlineData(""", "alpha_pattern": { "proj": 5 }, "init_lora_weights": "gaussian", "layer_replication": null, "eva_config": null, "use_dora": false""", 16.0 / 4)]
    public void An_adapter_of_the_library_adds_its_scaled_product(string more, double scale)
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        Tensor a_RI = randn(4, model.Config.HiddenSize), b_OR = randn(model.Config.Heads * model.Config.HeadDim, 4);
        Tensor saved_VH = randn(model.HeadWeight.shape);
        Write(more, (Query + ".lora_A.weight", a_RI), (Query + ".lora_B.weight", b_OR), ("base_model.model.lm_head.modules_to_save.weight", saved_VH));
        Dictionary<string, float[]> before = model.Parameters.ToDictionary(p => p.Name, p => p.Tensor.data<float>().ToArray());

        Assert.Equal((1, 1), PeftFolder.MergeInto(model, _folder, _storage));

        foreach ((string name, var after) in model.Parameters)
        {
            if (name == "model.layers.1.self_attn.q_proj.weight")
            {
                for (int o = 0; o < after.size(0); o++)
                {
                    for (int i = 0; i < after.size(1); i++)
                    {
                        double expected = before[name][o * after.size(1) + i];
                        for (int r = 0; r < 4; r++)
                            expected += scale * b_OR[o, r].item<float>() * a_RI[r, i].item<float>();
                        Assert.Equal(expected, after[o, i].item<float>(), 1e-4);
                    }
                }
                continue;
            }
            Assert.Equal(name == "lm_head.weight" ? saved_VH.data<float>().ToArray() : before[name], after.data<float>().ToArray());
        }
    }

    public static TheoryData<string> Families { get; } = [.. TinyConfigs.All.Keys];

    [Theory]
    [MemberData(nameof(Families))]
    public void What_is_written_of_a_model_with_adapters_makes_it_again_from_its_base(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm adapted = TinyModels.Create(family), model = TinyModels.Create(family);
        var options = new LoraOptions { Rank = 3, Alpha = 5 };
        adapted.AddLora(options);
        adapted.SetTrainable(TrainablePart.LoraAndEmbeddings);
        using (IDisposable quiet = no_grad())
        {
            foreach ((string name, var tensor) in adapted.Parameters.Where(p => p.Tensor.requires_grad))
                tensor.add_(randn(tensor.shape) * 0.1);
        }

        PeftFolder.Write(adapted, options, "base", _folder, ScalarType.Float32, _storage);
        PeftFolder.MergeInto(model, _folder, _storage);

        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(_folder, PeftFolder.WeightsName), _storage);
        Assert.All(file.Entries, e => Assert.StartsWith("base_model.model.", e.Name, StringComparison.Ordinal));
        Assert.True(GoldenModels.MaxDifference(Logits(model), Logits(adapted)) < 1e-4);
    }

    [Theory]
    [InlineData(""", "use_dora": true""", "use_dora = true")]
    [InlineData(""", "init_lora_weights": "pissa" """, "init_lora_weights = \"pissa\"")]
    [InlineData(""", "bias": "all" """, "bias = \"all\"")]
    [InlineData(""", "fan_in_fan_out": true, "layer_replication": [[0, 1]]""", "fan_in_fan_out = true, layer_replication")]
    [InlineData(""", "peft_type": "IA3" """, "peft_type is IA3")]
    public void What_is_not_computed_is_refused_by_its_key(string more, string said)
    {
        using CausalLm model = TinyModels.Create("llama");
        Write(more, (Query + ".lora_A.weight", zeros(4, model.Config.HiddenSize)), (Query + ".lora_B.weight", zeros(model.Config.HiddenSize, 4)));
        Assert.Contains(said, Assert.Throws<InputException>(() => PeftFolder.MergeInto(model, _folder, _storage)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_of_another_model_or_without_its_other_half_is_refused()
    {
        using CausalLm model = TinyModels.Create("llama");
        string Refused() => Assert.Throws<InputException>(() => PeftFolder.MergeInto(model, _folder, _storage)).Message;
        Write("", (Query + ".lora_A.weight", zeros(4, model.Config.HiddenSize)));
        Assert.Contains("has no matching lora_B", Refused(), StringComparison.Ordinal);
        Write("", (Query + ".lora_B.weight", zeros(4, 4)));
        Assert.Contains("has no matching lora_A", Refused(), StringComparison.Ordinal);
        Write("", (Query + ".lora_A.weight", zeros(4, 8)), (Query + ".lora_B.weight", zeros(8, 4)));
        Assert.Contains("the adapter belongs to another model", Refused(), StringComparison.Ordinal);
        Write("", ("base_model.model.model.layers.77.mlp.up_proj.lora_A.weight", zeros(4, 8)), ("base_model.model.model.layers.77.mlp.up_proj.lora_B.weight", zeros(8, 4)));
        Assert.Contains("'model.layers.77.mlp.up_proj.weight' is not a weight of llama", Refused(), StringComparison.Ordinal);
        File.Delete(Path.Combine(_folder, PeftFolder.WeightsName));
        Assert.Contains("safe_serialization", Refused(), StringComparison.Ordinal);
    }

    private static Tensor Logits(CausalLm model)
    {
        using IDisposable quiet = no_grad();
        using AttentionContext attention = model.CreateAttention(1, 6);
        return model.Logits(model.Hidden(tensor(new long[] { 3, 1, 4, 1, 5, 9 }, [1, 6]), attention));
    }

    // The last of two equal keys counts.
    private void Write(string more, params (string Name, Tensor Tensor)[] tensors)
    {
        string type = more.Contains("peft_type", StringComparison.Ordinal) ? "" : """ "peft_type": "LORA",""";
        File.WriteAllText(Path.Combine(_folder, PeftConfig.FileName), $$"""{ {{type}} "r": 4, "lora_alpha": 16, "target_modules": ["q_proj"]{{more}} }""");
        SafetensorsWriter.Write(Path.Combine(_folder, PeftFolder.WeightsName), _storage, tensors.Select(t => new TensorSource(t.Name, ScalarType.Float32, t.Tensor)));
    }
}
