using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Computes logits and hidden states of given ids, from file to file, so that another program can compare its numbers with these.
/// </summary>
public static class LogitsFile
{
    /// <summary>
    /// Reads a safetensors file with <c>input_ids</c> [B,T] and optionally <c>attention_mask</c> [B,T] (1: a token; absent: tokens everywhere) and
    /// <c>position_ids</c> [B,T] (absent: 0..T-1 in every row), all of them whole numbers. Writes another with float32 <c>logits</c> [B,T,V] (soft-capped
    /// if the model does so) and <c>hidden_states</c> [L+1,B,T,H]: the embeddings, then the output of each layer, the last one after the final norm.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="inputPath">The file to read.</param>
    /// <param name="outputPath">The file to write, in one step.</param>
    /// <param name="storage">Where both files are.</param>
    /// <param name="embed">
    /// Computes the input of the first layer [B,T,H] from ids and mask [B,T], if it is more than the model's embeddings (input expansion).
    /// </param>
    /// <exception cref="InputException">The input does not fit the model, or the logits of a token are not finite.</exception>
    public static void Write(CausalLm model, string inputPath, string outputPath, IStorage storage, Func<Tensor, Tensor?, Tensor>? embed = null)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using SafetensorsFile input = SafetensorsFile.Open(inputPath, storage);
        Tensor ids = Read(input, "input_ids", null, model) ?? throw new InputException($"{inputPath}: no tensor 'input_ids'");
        if (ids.numel() == 0)
            throw new InputException($"{inputPath}: 'input_ids' is empty");
        CheckRange(ids, model.Config.VocabularySize - 1, inputPath, "input_ids");
        Tensor? mask = Read(input, "attention_mask", ids, model), positions = Read(input, "position_ids", ids, model);
        if (mask is not null)
            CheckRange(mask, 1, inputPath, "attention_mask");
        if (positions is not null)
            CheckRange(positions, int.MaxValue, inputPath, "position_ids");
        (Tensor logits, Tensor hidden) = Compute(model, ids, mask, positions, embed);
        Tensor isBad = logits.isfinite().all(dim: 2).logical_not();
        if (mask is not null)
            isBad = isBad.logical_and(mask.to(ScalarType.Bool));
        if (isBad.any().cpu().item<bool>())
        {
            long first = isBad.flatten().to(ScalarType.Int64).argmax().cpu().item<long>();
            throw NotFinite.Refusal(model.Source, model, $"the logits of row {first / ids.size(1)}, position {first % ids.size(1)} of {inputPath}");
        }
        SafetensorsWriter.Write(
            outputPath, storage, [new TensorSource("logits", ScalarType.Float32, logits), new TensorSource("hidden_states", ScalarType.Float32, hidden)],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt" });
    }

    /// <summary>Logits [B,T,V] and hidden states [L+1,B,T,H], as <see cref="Write"/> defines them.</summary>
    internal static (Tensor Logits, Tensor Hidden) Compute(
        CausalLm model, Tensor ids_BT, Tensor? mask_BT, Tensor? positions_BT, Func<Tensor, Tensor?, Tensor>? embed = null)
    {
        bool everywhere = mask_BT is null || mask_BT.ne(Scalars.Zero).all().item<bool>();
        using AttentionContext attention = model.CreateAttention((int)ids_BT.size(0), (int)ids_BT.size(1), everywhere ? null : mask_BT, positions_BT);
        List<Tensor> outputs = [];
        Tensor embedded = embed?.Invoke(ids_BT, mask_BT) ?? model.Embed(ids_BT);
        Tensor final = model.FinalNorm(model.RunLayers(embedded, 0, model.Config.Layers, attention, collectHidden: outputs));
        return (model.Logits(final), stack([embedded, .. outputs.Take(outputs.Count - 1), final]));
    }

    private static Tensor? Read(SafetensorsFile input, string name, Tensor? like, CausalLm model)
    {
        if (!input.Contains(name))
            return null;
        TensorEntry entry = input.Entry(name);
        if (entry.Type is not (ScalarType.Int64 or ScalarType.Int32 or ScalarType.Bool or ScalarType.Byte) || entry.Shape.Count != 2)
            throw new InputException($"{input.Path}: {entry}, expected I64 [B,T]");
        if (like is not null && !entry.Shape.SequenceEqual(like.shape))
            throw new InputException($"{input.Path}: {entry}, expected [{string.Join(",", like.shape)}] as 'input_ids'");
        return input.View(name).to(ScalarType.Int64, model.Device);
    }

    private static void CheckRange(Tensor tensor, long most, string path, string name)
    {
        (long least, long largest) = (tensor.min().item<long>(), tensor.max().item<long>());
        if (least < 0 || largest > most)
            throw new InputException($"{path}: '{name}' runs from {least} to {largest}, expected 0 to {most}");
    }
}
