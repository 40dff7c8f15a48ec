using Pipeline.Stages.Models.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Decides whether a model's head is tied to its embeddings. If the config says so, this is believed where the files have no head, or one that is an equal
/// copy of the embeddings. A head with other values was trained separately, and is used.
/// </summary>
public static class HeadTie
{
    private const string Key = "tie_word_embeddings";

    /// <summary>The config with the answer in <see cref="ModelConfig.TieWordEmbeddings"/>.</summary>
    /// <param name="config">The config as it was read.</param>
    /// <param name="files">The weights.</param>
    /// <param name="folder">The model's folder, for the remark.</param>
    /// <param name="remark">What differs from the config; null if nothing does.</param>
    public static ModelConfig Resolve(ModelConfig config, SafetensorsFolder files, string folder, out string? remark)
    {
        remark = null;
        if (!config.TieWordEmbeddings || WeightLoader.Find(config, files, WeightNames.Head) is not { } head || WeightLoader.Find(config, files, WeightNames.Embedding) is not { } embedding)
            return config;
        // A head of another shape counts as untied here. The loader then refuses it together with all other weights that do not fit.
        if (files.Entry(head).Shape.SequenceEqual(files.Entry(embedding).Shape) && AreEqual(files, head, embedding))
            return config;
        bool isSaid = config.Json.ContainsKey(Key);
        remark = $"{folder}: {(isSaid ? $"{Key} is true" : $"{Key} is absent, which means true for {config.Family.ModelType}")}, and '{head}' is not '{embedding}': the head is used, so the two are not tied; write \"{Key}\": false to say so";
        return config with { TieWordEmbeddings = false };
    }

    private static bool AreEqual(SafetensorsFolder files, string head, string embedding)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor one_VH = files.View(head), other_VH = files.View(embedding);
        for (long row = 0; row < one_VH.size(0); row += 4096)
        {
            using DisposeScope slice = NewDisposeScope();
            long rows = Math.Min(4096, one_VH.size(0) - row);
            if (!one_VH.narrow(0, row, rows).to(ScalarType.Float32).eq(other_VH.narrow(0, row, rows).to(ScalarType.Float32)).all().item<bool>())
                return false;
        }
        return true;
    }
}
