namespace Pipeline.Stages.Models;

/// <summary>
/// The names and shapes of the decoder's weights. The names are those of Hugging Face, but parts of a fused tensor have names of their own
/// (see <see cref="WeightLayout"/>).
/// </summary>
internal static class WeightNames
{
    public const string Embedding = "model.embed_tokens.weight";
    public const string FinalNorm = "model.norm.weight";
    public const string Head = "lm_head.weight";

    /// <summary>What the names of a layer's weights begin with.</summary>
    public static string Layer(int index) => $"model.layers.{index}.";

    /// <summary>All weights of a model, layer by layer. A tied head is not among them.</summary>
    public static IEnumerable<(string Name, long[] Shape)> All(ModelConfig config)
    {
        long vocabulary = config.VocabularySize, hidden = config.HiddenSize;
        yield return (Embedding, [vocabulary, hidden]);
        for (int i = 0; i < config.Layers; i++)
        {
            foreach ((string name, long[] shape) in OfLayer(config))
                yield return (Layer(i) + name, shape);
        }

        yield return (FinalNorm, [hidden]);
        if (!config.TieWordEmbeddings)
            yield return (Head, [vocabulary, hidden]);
    }

    /// <summary>Whether the weight is that of a norm.</summary>
    public static bool IsNorm(string name) => name.EndsWith("norm.weight", StringComparison.Ordinal);

    public static bool IsBias(string name) => name.EndsWith(".bias", StringComparison.Ordinal);

    private static IEnumerable<(string Name, long[] Shape)> OfLayer(ModelConfig config)
    {
        long hidden = config.HiddenSize, inner = config.IntermediateSize, width = config.HeadDim;
        long queries = config.Heads * width, keys = config.KeyValueHeads * width;
        foreach ((string name, long rows, long columns, bool bias) in new[]
        {
            ("self_attn.q_proj", queries, hidden, config.QueryKeyValueBias), ("self_attn.k_proj", keys, hidden, config.QueryKeyValueBias),
            ("self_attn.v_proj", keys, hidden, config.QueryKeyValueBias), ("self_attn.o_proj", hidden, queries, config.OutputBias),
            ("mlp.gate_proj", inner, hidden, config.MlpBias), ("mlp.up_proj", inner, hidden, config.MlpBias), ("mlp.down_proj", hidden, inner, config.MlpBias),
        })
        {
            yield return ($"{name}.weight", [rows, columns]);
            if (bias)
                yield return ($"{name}.bias", [rows]);
        }

        if (config.Family.QueryKeyNorm != QueryKeyNorm.None)
        {
            bool perHead = config.Family.QueryKeyNorm == QueryKeyNorm.PerHead;
            yield return ("self_attn.q_norm.weight", [perHead ? width : queries]);
            yield return ("self_attn.k_norm.weight", [perHead ? width : keys]);
        }

        NormPlace norms = config.Family.Norms;
        if (norms != NormPlace.After)
            yield return ("input_layernorm.weight", [hidden]);
        yield return ("post_attention_layernorm.weight", [hidden]);
        if (norms == NormPlace.Around)
            yield return ("pre_feedforward_layernorm.weight", [hidden]);
        if (norms != NormPlace.Before)
            yield return ("post_feedforward_layernorm.weight", [hidden]);
    }
}
