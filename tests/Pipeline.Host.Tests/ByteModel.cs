using System.Globalization;
using System.Runtime.CompilerServices;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Host.Tests;

/// <summary>A tiny random model over bytes, as a Hugging Face folder. Its head has more rows than there are tokens.</summary>
internal static class ByteModel
{
    public const int Bos = 256;

    public static string Save(string folder, int seed, double initializerRange = 0.4)
    {
        TorchLoader.Load();
        return SaveLoaded(folder, seed, initializerRange);
    }

    // Touching a torch type runs TorchSharp's own loading, so a method that does is compiled after ours.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string SaveLoaded(string folder, int seed, double initializerRange)
    {
        ModelConfig config = ModelConfig.Parse(
            $$"""
            {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 24, "intermediate_size": 20, "num_attention_heads": 4, "num_key_value_heads": 2,
             "vocab_size": 271, "rms_norm_eps": 1e-5, "initializer_range": {{initializerRange.ToString(CultureInfo.InvariantCulture)}}, "max_position_embeddings": 512}
            """,
            "byte model");
        var storage = new DiskStorage();
        storage.CreateDirectory(folder);
        using CausalLm model = CausalLm.Create(config, seed, CPU, ScalarType.Float32);
        TextTokenizer.Bytes(["<s>", "</s>", "<pad>"], "<s>", "</s>", "<pad>").Save(folder, storage);
        model.Save(folder, storage, ScalarType.Float32);
        return folder;
    }

    public static CausalLm Load(string folder) => CausalLm.Load(folder, new DiskStorage(), CPU, ScalarType.Float32);

    /// <summary>Logits after the last of the ids, over the tokens the tokenizer has.</summary>
    public static float[] Logits(CausalLm model, IReadOnlyList<int> ids)
    {
        using IDisposable quiet = no_grad();
        using var scope = NewDisposeScope();
        Tensor ids_BT = tensor(ids.Select(id => (long)id).ToArray()).view(1, -1);
        using AttentionContext attention = model.CreateAttention(1, ids.Count);
        return [.. model.Logits(model.Hidden(ids_BT, attention))[0, ids.Count - 1].data<float>().Take(259)];
    }
}
