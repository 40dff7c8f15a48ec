namespace Pipeline.Stages.Tests.Models;

/// <summary>A small config of every family, with every feature of the family switched on somewhere.</summary>
internal static class TinyConfigs
{
    private const string Sizes = """ "hidden_size": 24, "intermediate_size": 20, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 37, "rms_norm_eps": 1e-5, "initializer_range": 0.4""";

    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        ["llama"] = $$"""{"model_type": "llama", "num_hidden_layers": 2, "attention_bias": true, "mlp_bias": true, "rope_theta": 500.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}, {{Sizes}}}""",
        ["llama linear tied"] = $$"""{"model_type": "llama", "num_hidden_layers": 1, "tie_word_embeddings": true, "head_dim": 10, "rope_scaling": {"type": "linear", "factor": 2.0}, {{Sizes}}}""",
        ["mistral"] = $$"""{"model_type": "mistral", "num_hidden_layers": 2, "sliding_window": 4, "head_dim": 8, {{Sizes}}}""",
        ["mistral full"] = $$"""{"model_type": "mistral", "num_hidden_layers": 1, "sliding_window": null, {{Sizes}}}""",
        ["qwen2"] = $$"""{"model_type": "qwen2", "num_hidden_layers": 3, "use_sliding_window": true, "sliding_window": 3, "max_window_layers": 2, {{Sizes}}}""",
        ["qwen3"] = $$"""{"model_type": "qwen3", "num_hidden_layers": 2, "head_dim": 8, "attention_bias": true, "tie_word_embeddings": true, {{Sizes}}}""",
        ["gemma"] = $$"""{"model_type": "gemma", "num_hidden_layers": 2, "head_dim": 8, "hidden_act": "gelu_pytorch_tanh", {{Sizes}}}""",
        ["gemma2"] = $$"""{"model_type": "gemma2", "num_hidden_layers": 3, "head_dim": 8, "sliding_window": 3, "query_pre_attn_scalar": 6, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 5.0, {{Sizes}}}""",
        ["gemma3_text"] = $$"""{"model_type": "gemma3_text", "num_hidden_layers": 4, "head_dim": 8, "sliding_window": 3, "sliding_window_pattern": 3, "query_pre_attn_scalar": 6, "rope_theta": 1000.0, "rope_local_base_freq": 50.0, "rope_scaling": {"rope_type": "linear", "factor": 4.0}, {{Sizes}}}""",
        ["gemma3"] = $$"""{"model_type": "gemma3", "mm_tokens_per_image": 4, "vision_config": {}, "text_config": {"model_type": "gemma3_text", "num_hidden_layers": 2, "head_dim": 8, "sliding_window": 3, "layer_types": ["full_attention", "sliding_attention"], {{Sizes}} } }""",
        ["llama one key head"] = $$"""{"model_type": "llama", "num_hidden_layers": 1, "head_dim": 12, "hidden_act": "gelu_pytorch_tanh", {{Sizes.Replace("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 1")}}}""",
        ["qwen2 yarn"] = $$"""{"model_type": "qwen2", "num_hidden_layers": 2, "tie_word_embeddings": true, "head_dim": 16, "rope_theta": 100.0, "max_position_embeddings": 256, "rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}, {{Sizes}}}""",
        ["llama yarn"] = $$"""{"model_type": "llama", "num_hidden_layers": 1, "head_dim": 20, "rope_theta": 300.0, "max_position_embeddings": 64, "rope_scaling": {"rope_type": "yarn", "factor": 2.0, "beta_fast": 8.0, "beta_slow": 2.0, "attention_factor": 1.5}, {{Sizes}}}""",
        ["qwen3 sliding"] = $$"""{"model_type": "qwen3", "num_hidden_layers": 2, "head_dim": 8, "use_sliding_window": true, "sliding_window": 4, "max_window_layers": 1, {{Sizes}}}""",
        ["gemma untied"] = $$"""{"model_type": "gemma", "num_hidden_layers": 1, "head_dim": 4, "attention_bias": true, "tie_word_embeddings": false, "hidden_act": "gelu", "hidden_activation": null, {{Sizes}}}""",
        ["gemma2 without caps"] = $$"""{"model_type": "gemma2", "num_hidden_layers": 2, "head_dim": 8, "sliding_window": 4, "attention_bias": true, "attn_logit_softcapping": null, "final_logit_softcapping": null, "layer_types": ["full_attention", "sliding_attention"], {{Sizes}}}""",
        ["gemma3_text capped"] = $$"""{"model_type": "gemma3_text", "num_hidden_layers": 3, "head_dim": 8, "sliding_window": 4, "sliding_window_pattern": 2, "attention_bias": true, "final_logit_softcapping": 4.0, "query_pre_attn_scalar": 3, "rope_local_base_freq": 30.0, {{Sizes}}}""",
        ["phi3"] = $$"""{"model_type": "phi3", "num_hidden_layers": 2, "sliding_window": 7, "max_position_embeddings": 32, "original_max_position_embeddings": 8, "rope_scaling": {"type": "su", "short_factor": [1.0, 1.1, 1.2], "long_factor": [1.5, 3.0, 9.0]}, {{Sizes}}}""",
        ["phi3 partial tied"] = $$"""{"model_type": "phi3", "num_hidden_layers": 1, "head_dim": 12, "partial_rotary_factor": 0.67, "tie_word_embeddings": true, "rope_theta": 100.0, "max_position_embeddings": 20, "original_max_position_embeddings": 5, "rope_scaling": {"rope_type": "longrope", "short_factor": [1.0, 1.1, 1.2, 1.3], "long_factor": [1.5, 3.0, 9.0, 11.0]}, {{Sizes}}}""",
        ["phi3 plain"] = $$"""{"model_type": "phi3", "num_hidden_layers": 1, "partial_rotary_factor": 0.5, "head_dim": 8, "original_max_position_embeddings": 3, {{Sizes}}}""",
        ["olmo2"] = $$"""{"model_type": "olmo2", "num_hidden_layers": 2, "rope_theta": 500.0, "attention_bias": true, {{Sizes}}}""",
        ["olmo2 wide tied"] = $$"""{"model_type": "olmo2", "num_hidden_layers": 1, "head_dim": 10, "tie_word_embeddings": true, "rope_scaling": {"type": "linear", "factor": 2.0}, {{Sizes}}}""",
        ["phi3 long"] = $$"""{"model_type": "phi3", "num_hidden_layers": 2, "max_position_embeddings": 1024, "original_max_position_embeddings": 256, "rope_scaling": {"type": "longrope", "short_factor": [1.0, 1.1, 1.2], "long_factor": [1.5, 3.0, 9.0]}, {{Sizes}}}""",
        ["olmo2 plain"] = $$"""{"model_type": "olmo2", "num_hidden_layers": 2, "rope_theta": 500.0, "tie_word_embeddings": true, {{Sizes}}}""",
        ["qwen3 plain"] = $$"""{"model_type": "qwen3", "num_hidden_layers": 2, "head_dim": 8, {{Sizes}}}""",
        ["llama dynamic"] = $$"""{"model_type": "llama", "num_hidden_layers": 2, "head_dim": 8, "max_position_embeddings": 5, "rope_theta": 300.0, "rope_scaling": {"type": "dynamic", "factor": 3.0}, {{Sizes}}}""",
    };

    public static TheoryData<string> Names => [.. All.Keys];
}
