using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>Fits the tensors of a folder to the names and shapes the config asks for; everything wrong is reported together.</summary>
internal sealed class WeightLoader
{
    private static readonly string[] PictureParts = ["vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector."];
    private readonly ModelConfig _config;
    private readonly SafetensorsFolder _files;
    private readonly Dictionary<string, string> _storedNames;
    private readonly Dictionary<string, (StoredWeight Stored, StoredPart Part)> _places = new(StringComparer.Ordinal);

    public WeightLoader(ModelConfig config, SafetensorsFolder files, string folder)
    {
        _config = config;
        _files = files;
        foreach (StoredWeight stored in WeightLayout.Of(config))
        {
            foreach (StoredPart part in stored.Parts)
                _places.Add(part.Name, (stored, part));
        }

        _storedNames = files.Entries.Select(entry => entry.Name).Where(name => !IsIgnored(name)).ToDictionary(name => PlainName(config.Family, name), name => name, StringComparer.Ordinal);
        Check(folder);
    }

    /// <summary>True when a weight can look into the map: on the CPU, in the type computed in.</summary>
    public bool CanMap(string name, Device device, ScalarType type) => device.type == DeviceType.CPU && _files.Entry(FileName(name)).Type == type;

    public Tensor Get(string name, Device device, ScalarType type)
    {
        Tensor view = View(name);
        if (CanMap(name, device, type))
            return view;
        using (view)
            return view.to(type, device);
    }

    private string FileName(string name) => _storedNames[_places[name].Stored.Name];

    private Tensor View(string name)
    {
        Tensor whole = _files.View(FileName(name));
        (StoredWeight stored, StoredPart part) = _places[name];
        if (stored.Parts.Count == 1)
            return whole;
        using (whole)
            return whole.narrow(0, part.FirstRow, part.Shape[0]);
    }

    private void Check(string folder)
    {
        List<string> errors = [];
        HashSet<string> expected = new(StringComparer.Ordinal);
        foreach ((string name, IReadOnlyList<long> shape, _) in WeightLayout.Of(_config))
        {
            expected.Add(name);
            if (!_storedNames.TryGetValue(name, out string? stored))
                errors.Add($"'{name}' is missing");
            else if (!_files.Entry(stored).Shape.SequenceEqual(shape))
                errors.Add($"{_files.Entry(stored)}: the config asks for [{string.Join(",", shape)}]");
            else if (_files.Entry(stored).Type is not (ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float64))
                errors.Add($"{_files.Entry(stored)}: not a floating-point type");
        }

        errors.AddRange(_storedNames.Keys.Where(name => !expected.Contains(name)).Order(StringComparer.Ordinal).Select(name => $"'{_storedNames[name]}' is not used by a {_config.Family.ModelType} model with this config"));
        if (errors.Count > 0)
        {
            string hint = _storedNames.Keys.Any(IsOfQuantization)
                ? "; there are scales next to the weights, so they are quantized, which is not supported: use the model's float32, bfloat16 or float16 weights" : "";
            throw new InputException($"{folder}: the weights do not fit the config: {string.Join("; ", errors)}{hint}");
        }
    }

    // Of FP8, GPTQ, AWQ and bitsandbytes.
    private static bool IsOfQuantization(string name)
        => name.EndsWith("weight_scale", StringComparison.Ordinal) || name.EndsWith("scale_inv", StringComparison.Ordinal) || name.EndsWith(".qweight", StringComparison.Ordinal)
            || name.EndsWith(".scales", StringComparison.Ordinal) || name.EndsWith(".absmax", StringComparison.Ordinal) || name.EndsWith(".SCB", StringComparison.Ordinal);

    private bool IsIgnored(string name)
        => (_config.Family.TextModelType is not null && PictureParts.Any(part => name.StartsWith(part, StringComparison.Ordinal)))
            // Old checkpoints keep the frequencies that follow from the config.
            || name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal)
            // The head of a tied configuration is a copy of the embeddings here: HeadTie has looked.
            || (_config.TieWordEmbeddings && PlainName(_config.Family, name) == WeightNames.Head);

    /// <summary>The file's own name of a weight; null where it does not exist.</summary>
    public static string? Find(ModelConfig config, SafetensorsFolder files, string name)
        => files.Entries.Select(entry => entry.Name).FirstOrDefault(stored => PlainName(config.Family, stored) == name);

    // The text part of a picture model lies under another name, and newer files have the two words the other way around.
    private static string PlainName(ModelFamily family, string name)
    {
        if (family.TextModelType is null)
            return name;
        const string Old = "language_model.", New = "model.language_model.";
        return name.StartsWith(New, StringComparison.Ordinal) ? "model." + name[New.Length..]
            : name.StartsWith(Old, StringComparison.Ordinal) ? name[Old.Length..] : name;
    }
}
