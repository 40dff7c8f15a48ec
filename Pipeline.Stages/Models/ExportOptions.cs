using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>How a model folder is written.</summary>
/// <param name="Type">The type of the stored weights.</param>
/// <param name="MaxShardBytes">If the weights are larger than this, they are split into shards.</param>
/// <param name="SourceFolder">The folder that the generation config and the chat template are copied from; null: neither is copied.</param>
/// <param name="Marks">The ids of a new tokenizer's special tokens; null: those of the config stay.</param>
public sealed record ExportOptions(ScalarType Type, long MaxShardBytes = ExportOptions.DefaultShardBytes, string? SourceFolder = null, TokenizerMarks? Marks = null)
{
    /// <summary>5 GB, like Hugging Face's limit.</summary>
    public const long DefaultShardBytes = 5_000_000_000;
}

/// <summary>The ids of special tokens that config.json and generation_config.json name; null or empty: there is no such token.</summary>
public sealed record TokenizerMarks(int? Bos, IReadOnlyList<int> Eos, int? Pad);
