using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Teacher.Gguf;
using Pipeline.Stages.Tests.Models;
using Pipeline.Stages.Torch;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>
/// llama.cpp computes of an export what this program computes of the model: every family with its features, adapters merged, and what it
/// would compute otherwise refused.
/// </summary>
public sealed class FamilyExportTests : IDisposable
{
    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly TorchDevice _torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null);

    public FamilyExportTests(ITestOutputHelper output) => _output = output;

    public static TheoryData<string> Names => [.. s_configs.Keys];

    private const string Sizes = """ "num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 20, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 37, "initializer_range": 0.4, "max_position_embeddings": 512""";

    // Those of the models' tests, and YaRN in every family that llama.cpp scales so.
    private static readonly Dictionary<string, string> s_configs = new(TinyConfigs.All)
    {
        ["llama yarn with bounds"] = $$"""{"model_type": "llama", "rope_scaling": {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 64, "beta_fast": 6.0, "beta_slow": 0.5}, {{Sizes}}}""",
        ["mistral yarn"] = $$"""{"model_type": "mistral", "sliding_window": null, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "attention_factor": 0.7}, {{Sizes}}}""",
        ["qwen2 yarn of even heads"] = $$"""{"model_type": "qwen2", "rope_theta": 200.0, "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128}, {{Sizes}}}""",
        ["qwen3 yarn"] = $$"""{"model_type": "qwen3", "head_dim": 12, "rope_theta": 200.0, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "mscale": 0.7, "mscale_all_dim": 1.1}, {{Sizes}}}""",
        ["olmo2 yarn"] = $$"""{"model_type": "olmo2", "rope_scaling": {"rope_type": "yarn", "factor": 0.5}, {{Sizes}}}""",
        ["phi3 yarn"] = $$"""{"model_type": "phi3", "partial_rotary_factor": 0.5, "rope_scaling": {"rope_type": "yarn", "factor": 4.0}, {{Sizes}}}""",
        ["gemma yarn"] = $$"""{"model_type": "gemma", "head_dim": 8, "rope_scaling": {"rope_type": "yarn", "factor": 4.0}, {{Sizes}}}""",
        ["gemma2 yarn"] = $$"""{"model_type": "gemma2", "head_dim": 8, "sliding_window": 5, "rope_scaling": {"rope_type": "yarn", "factor": 4.0}, {{Sizes}}}""",
    };

    public void Dispose()
    {
        _torch.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Logits_are_ours_or_the_model_is_refused(string name)
    {
        ModelConfig config = ModelConfig.Parse(s_configs[name], name);
        string file = _folder["model.gguf"];
        int most = config.SlidingWindow is { } window && GgufArchitecture.Of(config.Family).SlidingPeriod == 0 ? window : int.MaxValue;
        // In chunks, beyond the context that LongRoPE was made for, and back again.
        foreach (int length in new[] { 12, 300, 5 })
        {
            int[] ids = [.. Enumerable.Range(0, Math.Min(length, most)).Select(i => (i * 7 + 3) % config.VocabularySize)];
            float[]? ours = await _torch.RunAsync(() => Export(config, file, ids), CancellationToken.None);
            if (ours is null)
                return;
            using GgufWorkerClient llama = LlamaCpp.Open(file, chunkTokens: 100);
            double off = LlamaCpp.Difference(llama.Logits(ids), ours);
            _output.WriteLine($"{name}, {ids.Length} ids: off by {off:E1} of {ours.Max(Math.Abs):F1}");
            // GELU by a table of float16; angles in float32, whose error grows with the position.
            double allowed = config.Activation == Activation.GeluTanh ? 2e-2 : ids.Length > 100 ? 2e-3 : 1e-4;
            Assert.True(off <= allowed, $"{name}: logits are off by {off}, {allowed} is allowed");
        }
    }

    /// <summary>Every feature that llama.cpp was told of is one that it computes: a family whose every config is refused would test nothing.</summary>
    [Fact]
    public void Every_family_has_a_config_that_is_not_refused()
    {
        string[] families = [.. TinyConfigs.All.Where(c => Refusal(ModelConfig.Parse(c.Value, c.Key)) is null).Select(c => ModelConfig.Parse(c.Value, c.Key).Family.ModelType).Distinct()];
        Assert.Equal(ModelFamilies.All.Select(f => f.ModelType).Except(["gemma3"]).Order(), families.Except(["gemma3"]).Order());
    }

    private static string? Refusal(ModelConfig config)
    {
        try
        {
            new GgufParameters(config, GgufArchitecture.Of(config.Family), []).Check();
            return null;
        }
        catch (InputException e)
        {
            return e.Message;
        }
    }

    // Touches torch: compiled after it is loaded.
    private float[]? Export(ModelConfig config, string file, int[] ids)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using LanguageModel model = new(CausalLm.Create(config, 5, CPU, ScalarType.Float32), null);
        model.Model.AddLora(new LoraOptions { Rank = 2, Targets = ["q_proj", "down_proj"] });
        // The second factor begins at zero, and then an adapter changes nothing.
        foreach ((string name, TorchSharp.Modules.Parameter tensor) in model.Model.Parameters.Where(p => p.Name.Contains("lora_B", StringComparison.Ordinal)))
            tensor.fill_(0.05 * name.Length / 40);
        try
        {
            foreach (string remark in GgufModelFile.Write(model, file, GgufType.F32, null, _storage))
                _output.WriteLine(remark);
        }
        catch (InputException e)
        {
            _output.WriteLine(e.Message);
            Assert.Equal(Refusal(config), e.Message);
            return null;
        }
        Tensor ids_BT = tensor(Array.ConvertAll(ids, i => (long)i)).view(1, -1);
        using AttentionContext attention = model.Model.CreateAttention(1, ids.Length);
        return model.Model.Logits(model.Model.Hidden(ids_BT, attention)).data<float>().ToArray();
    }
}
