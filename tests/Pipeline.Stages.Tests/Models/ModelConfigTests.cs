using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

public sealed class ModelConfigTests
{
    private const string Small = """ "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 300""";

    [Theory]
    [InlineData("bert")]
    [InlineData("qwen3_moe")]
    [InlineData("mixtral")]
    [InlineData("phimoe")]
    [InlineData("olmoe")]
    [InlineData("Llama")]
    public void An_unknown_model_type_is_refused_by_name(string type) => Refused($$"""{"model_type": "{{type}}"}""", $"'{type}'", "llama, mistral");

    [Theory]
    [InlineData("""{"model_type": "llama", "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 2048}}""", "rope_scaling.factor = 4, but max_position_embeddings 2048 is 1 times")]
    [InlineData("""{"model_type": "llama", "rope_scaling": {"type": "yarn"}}""", "rope_scaling.factor is needed")]
    [InlineData("""{"model_type": "llama", "hidden_act": "silu", "hidden_activation": "gelu"}""", "the other key says Gelu")]
    [InlineData("""{"model_type": "gemma2", "hidden_act": "silu"}""", "as hidden_activation says, but the other key says Silu")]
    [InlineData("""{"model_type": "llama", "num_hidden_layers": 2000000000}""", "num_hidden_layers = 2000000000, expected a whole number from 1 to 10000")]
    [InlineData("""{"model_type": "llama", "rope_scaling": {"type": "dynamic"}}""", "rope_scaling.factor is needed")]
    [InlineData("""{"model_type": "llama", "rope_scaling": {"type": "mrope", "factor": 4.0}}""", "rope_scaling.type = 'mrope'")]
    [InlineData("""{"model_type": "llama", "head_dim": 4, "rope_scaling": {"rope_type": "longrope", "long_factor": [1.0]}}""", "rope_scaling.long_factor = [1.0], expected 2 numbers above 0")]
    [InlineData("""{"model_type": "llama", "head_dim": 4, "rope_scaling": {"rope_type": "longrope", "long_factor": [1, 2]}}""", "rope_scaling.short_factor is needed")]
    [InlineData("""{"model_type": "llama", "head_dim": 4, "rope_scaling": {"rope_type": "longrope", "long_factor": [1, 2], "short_factor": [1, 0]}}""", "rope_scaling.short_factor = [1, 0], expected 2 numbers above 0")]
    [InlineData("""{"model_type": "llama", "head_dim": 4, "rope_scaling": {"rope_type": "longrope", "long_factor": [1, 2], "short_factor": [1, 1]}}""", "rope_scaling.factor is needed")]
    [InlineData("""{"model_type": "phi3", "head_dim": 4, "original_max_position_embeddings": 1024, "rope_scaling": {"type": "longrope", "long_factor": [1, 2], "short_factor": [1, 1], "factor": 2}}""", "rope_scaling.factor = 2, but max_position_embeddings 4096 is 4 times")]
    [InlineData("""{"model_type": "phi3", "head_dim": 4, "partial_rotary_factor": 0.8}""", "partial_rotary_factor rotates 3 of a head's 4 dimensions")]
    [InlineData("""{"model_type": "phi3", "num_local_experts": 16}""", "num_local_experts = 16")]
    [InlineData("""{"model_type": "olmo2", "sliding_window": 3, "layer_types": ["sliding_attention"], "num_hidden_layers": 1}""", "layer_types")]
    [InlineData("""{"model_type": "llama", "rope_scaling": {"rope_type": "linear", "factor": 4.0, "attention_factor": 2.0}}""", "attention_factor")]
    [InlineData("""{"model_type": "llama", "rope_scaling": {"rope_type": "linear"}}""", "rope_scaling.factor is needed")]
    [InlineData("""{"model_type": "llama", "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}}""", "original_max_position_embeddings is needed")]
    [InlineData("""{"model_type": "llama", "rope_scaling": 3}""", "rope_scaling = 3")]
    [InlineData("""{"model_type": "llama", "partial_rotary_factor": 0.5}""", "partial_rotary_factor = 0.5")]
    [InlineData("""{"model_type": "llama", "hidden_act": "relu"}""", "hidden_act = 'relu'")]
    [InlineData("""{"model_type": "gemma2", "hidden_activation": "relu2"}""", "hidden_activation = 'relu2'")]
    [InlineData("""{"model_type": "mistral", "attention_bias": true}""", "attention_bias = true")]
    [InlineData("""{"model_type": "qwen2", "mlp_bias": true}""", "mlp_bias = true")]
    [InlineData("""{"model_type": "llama", "final_logit_softcapping": 30.0}""", "final_logit_softcapping = 30")]
    [InlineData("""{"model_type": "gemma3_text", "attn_logit_softcapping": 50.0}""", "attn_logit_softcapping = 50")]
    [InlineData("""{"model_type": "gemma3_text", "use_bidirectional_attention": true}""", "use_bidirectional_attention")]
    [InlineData("""{"model_type": "llama", "quantization_config": {"bits": 4}}""", "quantization_config")]
    [InlineData("""{"model_type": "llama", "logits_scaling": 8.0}""", "logits_scaling = 8.0")]
    [InlineData("""{"model_type": "llama", "num_local_experts": 8}""", "num_local_experts = 8")]
    [InlineData("""{"model_type": "llama", "torch_dtype": "float8_e4m3fn"}""", "'float8_e4m3fn'")]
    [InlineData("""{"model_type": "llama", "num_hidden_layers": 0}""", "num_hidden_layers = 0")]
    [InlineData("""{"model_type": "llama", "num_hidden_layers": 2.5}""", "num_hidden_layers = 2.5")]
    [InlineData("""{"model_type": "llama", "hidden_size": "64"}""", "hidden_size = \"64\"")]
    [InlineData("""{"model_type": "llama", "num_attention_heads": 4, "num_key_value_heads": 3}""", "num_key_value_heads = 3")]
    [InlineData("""{"model_type": "llama", "head_dim": 15}""", "head_dim = 15")]
    [InlineData("""{"model_type": "qwen2", "num_hidden_layers": 2, "layer_types": ["full_attention"]}""", "layer_types")]
    [InlineData("""{"model_type": "qwen2", "num_hidden_layers": 1, "layer_types": ["chunked_attention"]}""", "chunked_attention")]
    [InlineData("""{"model_type": "qwen2", "num_hidden_layers": 1, "layer_types": ["sliding_attention"]}""", "use_sliding_window")]
    [InlineData("""{"model_type": "llama", "num_hidden_layers": 1, "layer_types": ["sliding_attention"]}""", "layer_types")]
    [InlineData("""{"model_type": "gemma3", "text_config": {"model_type": "gemma2"}}""", "text_config.model_type")]
    [InlineData("""{"model_type": "gemma3", "text_config": {"surprise": 1}}""", "text_config.surprise = 1")]
    [InlineData("""{"model_type": "llama", "vocab_size": 3, "vocab_size": 4}""", "not JSON")]
    [InlineData("""{"model_type": "llama" """, "not JSON")]
    [InlineData("""[1]""", "expected a JSON object")]
    public void What_would_change_the_result_and_is_not_computed_is_refused_by_name(string json, string expected) => Refused(json, expected);

    [Fact]
    public void Everything_wrong_is_named_at_once()
        => Refused("""{"model_type": "llama", "hidden_act": "relu", "rope_scaling": {"rope_type": "mrope"}, "foo": 1, "bar": true}""", "relu", "mrope", "foo = 1", "bar = true");

    [Fact]
    public void Null_means_off_and_known_harmless_keys_are_passed_over()
    {
        ModelConfig config = ModelConfig.Parse($$"""
            {"model_type": "llama", "foo": null, "_name_or_path": "x", "use_cache": true, "pretraining_tp": 4, "transformers_version": "9", "id2label": {"0": "a"}, {{Small}}}
            """, "test");
        Assert.Equal(300, config.VocabularySize);
    }

    [Fact]
    public void Absent_keys_mean_the_class_defaults_and_null_may_mean_something_else()
    {
        ModelConfig absent = ModelConfig.Parse("""{"model_type": "mistral"}""", "test"), nulls = ModelConfig.Parse("""{"model_type": "mistral", "sliding_window": null, "num_key_value_heads": null}""", "test");
        Assert.Equal((4096, 8), (absent.SlidingWindow, absent.KeyValueHeads));
        Assert.Equal((null, 32), (nulls.SlidingWindow, nulls.KeyValueHeads));
        Assert.DoesNotContain(true, nulls.IsSliding);
    }

    [Fact]
    public void The_layout_of_transformers_5_means_the_same_as_the_older_ones()
    {
        ModelConfig old = ModelConfig.Parse($$"""
            {"model_type": "gemma3_text", "rope_theta": 5000.0, "rope_local_base_freq": 200.0, "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window_pattern": 2, "torch_dtype": "bfloat16", {{Small}}}
            """, "old");
        ModelConfig current = ModelConfig.Parse($$"""
            {"model_type": "gemma3_text", "dtype": "bfloat16", "layer_types": ["sliding_attention", "full_attention", "sliding_attention", "full_attention"],
             "rope_parameters": {"full_attention": {"factor": 8.0, "rope_type": "linear", "rope_theta": 5000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 200.0} }, {{Small}}}
            """, "current");
        Assert.Equal(old.Rope, current.Rope);
        Assert.Equal(old.SlidingRope, current.SlidingRope);
        Assert.Equal(old.IsSliding, current.IsSliding);
        Assert.Equal(ScalarType.BFloat16, current.StorageType);
        Assert.Equal(old.StorageType, current.StorageType);
    }

    [Fact]
    public void Flat_rope_parameters_are_read()
    {
        ModelConfig config = ModelConfig.Parse("""{"model_type": "llama", "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}""", "test");
        Assert.Equal((500_000, RopeScaling.Llama3, 8), (config.Rope.Theta, config.Rope.Scaling, config.Rope.Factor));
    }

    [Theory]
    [InlineData("gelu", null, Activation.GeluTanh)]
    [InlineData("gelu", "gelu", Activation.Gelu)]
    [InlineData("gelu_pytorch_tanh", null, Activation.GeluTanh)]
    [InlineData(null, null, Activation.GeluTanh)]
    public void The_first_Gemma_takes_gelu_for_its_tanh_form(string? act, string? activation, Activation expected)
    {
        static string Json(string? value) => value is null ? "null" : $"\"{value}\"";
        Assert.Equal(expected, ModelConfig.Parse($$"""{"model_type": "gemma", "hidden_act": {{Json(act)}}, "hidden_activation": {{Json(activation)}}}""", "test").Activation);
    }

    [Theory]
    [InlineData("llama", false)]
    [InlineData("qwen2", false)]
    [InlineData("gemma", true)]
    [InlineData("gemma2", true)]
    [InlineData("gemma3", true)]
    public void Whether_the_head_is_tied_by_default_is_the_familys(string type, bool tied)
    {
        Assert.Equal(tied, ModelConfig.Parse($$"""{"model_type": "{{type}}"}""", "test").TieWordEmbeddings);
        Assert.Equal(!tied, ModelConfig.Parse($$"""{"model_type": "{{type}}", "tie_word_embeddings": {{(tied ? "false" : "true")}}}""", "test").TieWordEmbeddings);
    }

    [Theory]
    [InlineData("""{"model_type": "llama", "is_llama_config": true, "rope_interleaved": false, "transformers.js_config": {"dtype": "q4"}}""")]
    [InlineData("""{"model_type": "qwen2", "use_mrope": false, "attention_bias": true}""")]
    [InlineData("""{"model_type": "gemma2", "sliding_window": 4096, "sliding_window_size": 4096, "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh"}""")]
    [InlineData("""{"model_type": "phi3", "attention_bias": false, "original_max_position_embeddings": 4096, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "rope_scaling": null, "auto_map": {}, "sliding_window": 2047}""")]
    [InlineData("""{"model_type": "phi3", "hidden_size": 32, "num_attention_heads": 8, "max_position_embeddings": 131072, "original_max_position_embeddings": 4096, "rope_scaling": {"type": "su", "short_factor": [1.0, 1.1], "long_factor": [1.2, 30.5]}}""")]
    [InlineData("""{"model_type": "olmo2", "attention_bias": false, "pad_token_id": 100277, "eos_token_id": 100257, "rope_scaling": null}""")]
    [InlineData("""{"model_type": "mistral", "attention_bias": false, "mlp_bias": false, "use_bidirectional_attention": null}""")]
    [InlineData("""{"model_type": "gemma3", "boi_token_index": 1, "eos_token_id": [1, 106], "text_config": {"hidden_size": 2560, "model_type": "gemma3_text", "sliding_window": 1024}, "vision_config": {"hidden_size": 3}}""")]
    public void Configs_as_they_are_found_on_the_hub_are_read(string json) => Assert.NotNull(ModelConfig.Parse(json, "test"));

    private static void Refused(string json, params string[] expected)
    {
        string message = Assert.Throws<InputException>(() => ModelConfig.Parse(json, "config.json")).Message;
        Assert.All(expected, part => Assert.Contains(part, message));
    }
}
