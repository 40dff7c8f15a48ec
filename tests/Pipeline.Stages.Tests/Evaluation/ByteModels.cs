using System.Globalization;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Evaluation;

/// <summary>Tiny random models over bytes, as folders. Their head has more rows than there are tokens, as real ones do.</summary>
internal static class ByteModels
{
    public static CausalLm Create(int seed, int vocabulary = 271, double? softcap = null)
    {
        string family = softcap is { } cap
            ? string.Create(CultureInfo.InvariantCulture, $"\"gemma2\", \"head_dim\": 8, \"query_pre_attn_scalar\": 6, \"final_logit_softcapping\": {cap}")
            : "\"llama\"";
        string config = $$"""
            {"model_type": {{family}}, "num_hidden_layers": 2, "hidden_size": 24, "intermediate_size": 20, "num_attention_heads": 4, "num_key_value_heads": 2,
             "vocab_size": {{vocabulary}}, "rms_norm_eps": 1e-5, "initializer_range": 0.4, "max_position_embeddings": 512}
            """;
        return CausalLm.Create(ModelConfig.Parse(config, "byte model"), seed, CPU, ScalarType.Float32);
    }

    /// <summary>Tokens of bytes, with bos and eos or with neither.</summary>
    public static TextTokenizer Tokenizer(bool hasMarks = true) => hasMarks
        ? TextTokenizer.Bytes(["<s>", "</s>", "<pad>"], "<s>", "</s>", "<pad>")
        : TextTokenizer.Bytes([], null, null, null);

    public static void Save(string folder, int seed, IStorage storage, bool hasMarks = true)
    {
        storage.CreateDirectory(folder);
        using CausalLm model = Create(seed);
        model.Save(folder, storage, ScalarType.Float32);
        Tokenizer(hasMarks).Save(folder, storage);
    }
}
