using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Peft;

/// <summary>
/// Reads and writes adapter folders of the PEFT library. They hold low-rank updates W + s·B·A (Hu et al. 2021, equation 3) of weights, under the names that
/// these are stored by, and whole tensors that were trained together with them (<c>modules_to_save</c>).
/// </summary>
internal static class PeftFolder
{
    public const string WeightsName = "adapter_model.safetensors";

    private const string Prefix = "base_model.model.";
    private const string Down = ".lora_A.weight";
    private const string Up = ".lora_B.weight";

    /// <summary>
    /// Merges an adapter into the model that it was trained for. The sums are computed in float32, and rounded to the model's type if it has another.
    /// </summary>
    /// <returns>How many stored weights were updated, and how many were replaced.</returns>
    /// <exception cref="InputException">The adapter belongs to another model, or holds something that is not supported.</exception>
    public static (int Updated, int Replaced) MergeInto(CausalLm model, string folder, IStorage storage)
    {
        PeftConfig config = PeftConfig.Load(folder, storage);
        string path = Path.Combine(folder, WeightsName);
        if (!storage.FileExists(path))
            throw new InputException($"{folder}: no {WeightsName}; adapter_model.bin is not supported: save the adapter with safe_serialization=True");
        using SafetensorsFile file = SafetensorsFile.Open(path, storage);
        using IDisposable quiet = no_grad();
        Dictionary<string, StoredWeight> stored = WeightLayout.Of(model.Config).ToDictionary(w => w.Name, StringComparer.Ordinal);
        Dictionary<string, string> names = file.Entries.ToDictionary(e => Plain(e.Name), e => e.Name, StringComparer.Ordinal);
        StoredWeight Target(string weight) => stored.GetValueOrDefault(weight) ?? throw new InputException(
            $"{path}: '{weight}' is not a weight of {model.Config.Family.ModelType} with {model.Config.Layers} layers; the adapter belongs to another model{(config.Base is null ? "" : $" (it says '{config.Base}')")}");
        int updated = 0, replaced = 0;
        foreach ((string plain, string name) in names)
        {
            using DisposeScope scope = NewDisposeScope();
            if (plain.EndsWith(Up, StringComparison.Ordinal))
            {
                if (!names.ContainsKey(plain[..^Up.Length] + Down)) throw new InputException($"{path}: '{name}' has no matching lora_A");
                continue;
            }
            if (!plain.EndsWith(Down, StringComparison.Ordinal))
            {
                Put(model, Target(plain), file.View(name), path, isUpdate: false);
                replaced++;
                continue;
            }
            string module = plain[..^Down.Length];
            if (!names.TryGetValue(module + Up, out string? up))
                throw new InputException($"{path}: '{name}' has no matching lora_B");
            Tensor a_RI = file.View(name).to(ScalarType.Float32), b_OR = file.View(up).to(ScalarType.Float32);
            if (a_RI.dim() != 2 || b_OR.dim() != 2 || a_RI.size(0) != b_OR.size(1))
                throw new InputException($"{path}: '{module}' has lora_A [{string.Join(", ", a_RI.shape)}] and lora_B [{string.Join(", ", b_OR.shape)}]; expected [r, in] and [out, r]");
            Put(model, Target(module + ".weight"), b_OR.mm(a_RI) * config.Scale(module, a_RI.size(0)), path, isUpdate: true);
            updated++;
        }
        if (updated + replaced == 0) throw new InputException($"{path}: it holds no tensors");
        return (updated, replaced);
    }

    /// <summary>
    /// Writes a model's adapters, and the embeddings if they were trained together with them, as an adapter for <paramref name="baseModel"/>.
    /// </summary>
    /// <param name="model">A model with adapters.</param>
    /// <param name="options">Rank and alpha of these adapters.</param>
    /// <param name="baseModel">A name or path by which another program can find the model that the adapter is for.</param>
    /// <param name="folder">The folder to write. Each file is written in one step, the configuration last.</param>
    /// <param name="type">The type of the stored tensors.</param>
    /// <param name="storage">Where the folder is.</param>
    public static void Write(CausalLm model, LoraOptions options, string baseModel, string folder, ScalarType type, IStorage storage)
    {
        Dictionary<string, Tensor> weights = model.Parameters.ToDictionary(p => p.Name, p => (Tensor)p.Tensor, StringComparer.Ordinal);
        List<TensorSource> tensors = [];
        SortedSet<string> targets = new(StringComparer.Ordinal), kept = new(StringComparer.Ordinal);
        Dictionary<string, int> joined = new(StringComparer.Ordinal);
        foreach (StoredWeight stored in WeightLayout.Of(model.Config))
        {
            string module = stored.Name.EndsWith(".weight", StringComparison.Ordinal) ? stored.Name[..^".weight".Length] : stored.Name;
            string[] parts = [.. stored.Parts.Select(p => p.Name[..^".weight".Length]).Where(part => weights.ContainsKey(part + Down))];
            if (parts.Length > 0)
            {
                targets.Add(WeightLayout.ShortName(stored.Name));
                if (stored.Parts.Count > 1) joined[WeightLayout.ShortName(stored.Name)] = parts.Length;
                tensors.Add(new TensorSource(Prefix + module + Down, type, [parts.Length * (long)options.Rank, stored.Shape[1]], () => cat([.. parts.Select(p => weights[p + Down])])));
                tensors.Add(new TensorSource(Prefix + module + Up, type, [stored.Shape[0], parts.Length * (long)options.Rank], () => Side(stored, parts, weights, options.Rank)));
            }
            else if (stored.Name is WeightNames.Embedding or WeightNames.Head && weights[stored.Name].requires_grad)
            {
                kept.Add(module.Split('.')[^1]);
                tensors.Add(new TensorSource(Prefix + stored.Name, type, stored.Shape, () => weights[stored.Name]));
            }
        }
        storage.CreateDirectory(folder);
        SafetensorsWriter.Write(Path.Combine(folder, WeightsName), storage, tensors, new Dictionary<string, string> { ["format"] = "pt" });
        storage.WriteAtomically(Path.Combine(folder, PeftConfig.FileName), stream => stream.Write(PeftConfigWriter.Json(options, baseModel, targets, kept, joined)));
    }

    /// <summary>
    /// B of a stored weight. A fused weight has a single update, whose rank is that of its parts together: the A of the parts are below one another, and
    /// their B are the blocks on the diagonal of this B.
    /// </summary>
    private static Tensor Side(StoredWeight stored, string[] parts, Dictionary<string, Tensor> weights, int rank)
    {
        if (stored.Parts.Count == 1) return weights[parts[0] + Up];
        Tensor whole_OR = zeros([stored.Shape[0], parts.Length * (long)rank], dtype: ScalarType.Float32);
        for (int i = 0; i < parts.Length; i++)
        {
            StoredPart part = stored.Parts.First(p => p.Name == parts[i] + ".weight");
            whole_OR.narrow(0, part.FirstRow, part.Shape[0]).narrow(1, i * (long)rank, rank).copy_(weights[parts[i] + Up]);
        }
        return whole_OR;
    }

    // The weight's own name. PEFT puts a prefix before it, and older versions also put the adapter's name, "default", into it.
    private static string Plain(string name)
        => (name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name)
            .Replace(".lora_A.default.weight", Down, StringComparison.Ordinal).Replace(".lora_B.default.weight", Up, StringComparison.Ordinal)
            .Replace(".modules_to_save.default.", ".", StringComparison.Ordinal).Replace(".modules_to_save.", ".", StringComparison.Ordinal);

    // Adds a value to a stored weight, or replaces the weight, in each of the parts that the model computes with.
    private static void Put(CausalLm model, StoredWeight stored, Tensor value, string path, bool isUpdate)
    {
        if (!value.shape.SequenceEqual(stored.Shape))
            throw new InputException($"{path}: '{stored.Name}' is [{string.Join(", ", value.shape)}], the model's [{string.Join(", ", stored.Shape)}]; the adapter belongs to another model or another vocabulary");
        foreach (StoredPart part in stored.Parts)
        {
            Tensor rows = value.narrow(0, part.FirstRow, part.Shape[0]).to(ScalarType.Float32);
            model.Replace(part.Name, isUpdate ? model.Parameters.First(p => p.Name == part.Name).Tensor.to(ScalarType.Float32) + rows : rows);
        }
    }
}
