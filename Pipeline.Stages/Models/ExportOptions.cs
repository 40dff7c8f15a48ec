using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>How a model folder is written.</summary>
/// <param name="Type">The type of the stored weights.</param>
/// <param name="MaxShardBytes">Weights above it are split into shards.</param>
/// <param name="SourceFolder">Where generation config and chat template are carried over from; null: from nowhere.</param>
/// <param name="Marks">The new tokenizer's marks; null: the config's stay.</param>
public sealed record ExportOptions(ScalarType Type, long MaxShardBytes = ExportOptions.DefaultShardBytes, string? SourceFolder = null, TokenizerMarks? Marks = null)
{
    /// <summary>5 GB, as Hugging Face's limit.</summary>
    public const long DefaultShardBytes = 5_000_000_000;
}

/// <summary>Ids that config.json and generation_config.json name; null: none.</summary>
public sealed record TokenizerMarks(int? Bos, IReadOnlyList<int> Eos, int? Pad);
