using Pipeline.Contracts.Errors;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Models;

namespace Pipeline.Stages.Tests.GgufExport;

/// <summary>Settings of models that llama.cpp would compute otherwise: each is refused by name, or said where it is so for some rows alone.</summary>
public sealed class UnsayableModelTests
{
    private const string Sizes = """ "num_hidden_layers": 4, "hidden_size": 32, "intermediate_size": 24, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 40, "max_position_embeddings": 512""";

    [Theory]
    [InlineData("llama", """ "hidden_act": "gelu_pytorch_tanh" """, "its activation is GeluTanh, but llama in llama.cpp computes Silu")]
    [InlineData("gemma", """ "hidden_act": "silu" """, "its activation is Silu, but gemma in llama.cpp computes GeluTanh")]
    [InlineData("qwen3", """ "attention_bias": true """, "biases in its attention (attention_bias), which qwen3")]
    [InlineData("olmo2", """ "attention_bias": true """, "biases in its attention (attention_bias), which olmo2")]
    [InlineData("gemma", """ "attention_bias": true """, "biases in its attention (attention_bias), which gemma")]
    [InlineData("gemma", """ "tie_word_embeddings": false """, "gemma in llama.cpp always uses the input embeddings")]
    [InlineData("gemma2", """ "tie_word_embeddings": false """, "gemma2 in llama.cpp always uses the input embeddings")]
    [InlineData("gemma3_text", """ "tie_word_embeddings": false """, "gemma3 in llama.cpp always uses the input embeddings")]
    [InlineData("qwen2", """ "head_dim": 16 """, "its heads are 16 wide, but qwen2")]
    [InlineData("phi3", """ "head_dim": 16 """, "its heads are 16 wide, but phi3")]
    [InlineData("olmo2", """ "head_dim": 16 """, "its heads are 16 wide, but olmo2")]
    [InlineData("llama", """ "rope_scaling": {"type": "dynamic", "factor": 2.0} """, "its rotary scaling is Dynamic, which cannot be given to llama")]
    [InlineData("phi3", """ "rope_scaling": {"type": "dynamic", "factor": 2.0} """, "its rotary scaling is Dynamic, which cannot be given to phi3")]
    [InlineData("llama", """ "original_max_position_embeddings": 256, "rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [2, 2, 2, 2]} """, "its rotary scaling is LongRope, which cannot be given to llama")]
    [InlineData("phi3", """ "original_max_position_embeddings": 128, "rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [2, 2, 2, 2]} """, "starts above 128 tokens, but llama.cpp chooses it by its context size")]
    [InlineData("qwen2", """ "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64} """, "its rotary scaling is Llama3, which cannot be given to qwen2")]
    [InlineData("llama", """ "rope_theta": 100.0, "rope_scaling": {"rope_type": "yarn", "factor": 2.0, "beta_fast": 4.0} """, "beta_fast 32 and beta_slow 1, rounded (it has 4 and 1)")]
    [InlineData("qwen3", """ "rope_theta": 100.0, "rope_scaling": {"rope_type": "yarn", "factor": 2.0, "truncate": false} """, "(it has 32 and 1, \"truncate\": false)")]
    [InlineData("gemma3_text", """ "rope_scaling": {"rope_type": "yarn", "factor": 2.0} """, "its rotary scaling is Yarn, which cannot be given to gemma3")]
    [InlineData("gemma2", """ "attn_logit_softcapping": null """, "it has no attn_logit_softcapping, but llama.cpp then assumes 50")]
    [InlineData("gemma2", """ "final_logit_softcapping": null """, "it has no final_logit_softcapping, but llama.cpp then assumes 30")]
    [InlineData("gemma2", """ "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"] """, "slide as fssf (s: sliding, f: full; layer_types), but gemma2 in llama.cpp knows full attention only at every 2nd layer")]
    [InlineData("gemma3_text", """ "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention"] """, "slide as fssf (s: sliding, f: full; layer_types), but gemma3 in llama.cpp knows full attention only at every n-th layer")]
    public void What_no_file_can_say_is_refused_by_name(string family, string settings, string expected)
    {
        GgufParameters parameters = Parameters(family, settings, []);
        string message = Assert.Throws<InputException>(parameters.Check).Message;
        Assert.StartsWith("GGUF cannot express this model: ", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
        // Of the one setting: the family's plain config is no error.
        Parameters(family, "", []).Check();
    }

    [Theory]
    [InlineData("mistral", """ "sliding_window": 16 """, "4 of 4 layers see 16 positions; llama in llama.cpp has no windows, so it computes this model only for texts of up to 16 tokens")]
    [InlineData("qwen2", """ "use_sliding_window": true, "sliding_window": 16, "max_window_layers": 3 """, "1 of 4 layers see 16 positions; qwen2 in llama.cpp has no windows")]
    [InlineData("qwen3", """ "use_sliding_window": true, "sliding_window": 16, "max_window_layers": 1 """, "3 of 4 layers see 16 positions; qwen3 in llama.cpp has no windows")]
    [InlineData("phi3", """ "sliding_window": 16 """, "4 of 4 layers see 16 positions; phi3 in llama.cpp has no windows")]
    [InlineData("phi3", """ "original_max_position_embeddings": 256, "rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [2, 2, 2, 2]} """, "for rows of up to 256 tokens, start it with a context no larger than that")]
    public void What_is_so_for_some_rows_is_said(string family, string settings, string expected)
    {
        List<string> remarks = [];
        Parameters(family, settings, remarks).Check();
        Assert.Contains(expected, Assert.Single(remarks), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama", """ "attention_bias": true, "mlp_bias": true """)]
    [InlineData("llama", """ "head_dim": 16, "tie_word_embeddings": true """)]
    [InlineData("llama", """ "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "attention_factor": 0.9} """)]
    [InlineData("mistral", """ "sliding_window": null """)]
    [InlineData("gemma3_text", """ "sliding_window_pattern": 3, "rope_scaling": {"rope_type": "linear", "factor": 4.0} """)]
    [InlineData("olmo2", """ "tie_word_embeddings": true, "rope_scaling": {"rope_type": "yarn", "factor": 4.0} """)]
    public void What_a_file_can_say_is_said_without_a_remark(string family, string settings)
    {
        List<string> remarks = [];
        GgufParameters parameters = Parameters(family, settings, remarks);
        parameters.Check();
        parameters.Write(new GgufWriter());
        Assert.Empty(remarks);
    }

    private static GgufParameters Parameters(string family, string settings, List<string> remarks)
    {
        ModelConfig config = ModelConfig.Parse($$"""{"model_type": "{{family}}", {{Sizes}} {{(family.StartsWith("gemma", StringComparison.Ordinal) && !settings.Contains("head_dim", StringComparison.Ordinal) ? """, "head_dim": 8""" : "")}} {{(settings.Length > 0 ? "," : "")}} {{settings}}}""", family);
        return new GgufParameters(config, GgufArchitecture.Of(config.Family), remarks);
    }
}
