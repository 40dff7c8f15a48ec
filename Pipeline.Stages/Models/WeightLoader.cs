using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>Finds the tensors of a folder by the names that the decoder computes with, after a check that they are those that the config asks for.</summary>
internal sealed class WeightLoader
{
    private static readonly string[] PictureParts = ["vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector."];
    private readonly ModelConfig _config;
    private readonly SafetensorsFolder _files;
    private readonly Dictionary<string, string> _storedNames;
    private readonly Dictionary<string, (StoredWeight Stored, StoredPart Part)> _places = new(StringComparer.Ordinal);

    /// <summary>Checks names, shapes and types.</summary>
    /// <param name="config">The model's config.</param>
    /// <param name="files">The weights. They stay the caller's, and have to stay open as long as tensors look into them.</param>
    /// <param name="folder">What messages call the folder.</param>
    /// <exception cref="InputException">The weights do not fit the config. The message names everything that is wrong.</exception>
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

    /// <summary>Whether a weight can be used in the memory-mapped file: on the CPU, if it is stored in the type that is computed in.</summary>
    public bool CanMap(string name, Device device, ScalarType type) => device.type == DeviceType.CPU && _files.Entry(FileName(name)).Type == type;

    /// <summary>A weight on the device and in the type asked for: a view of the file if <see cref="CanMap"/>, otherwise a copy.</summary>
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

    // The names of scales in FP8, GPTQ, AWQ and bitsandbytes.
    private static bool IsOfQuantization(string name)
        => name.EndsWith("weight_scale", StringComparison.Ordinal) || name.EndsWith("scale_inv", StringComparison.Ordinal) || name.EndsWith(".qweight", StringComparison.Ordinal)
            || name.EndsWith(".scales", StringComparison.Ordinal) || name.EndsWith(".absmax", StringComparison.Ordinal) || name.EndsWith(".SCB", StringComparison.Ordinal);

    private bool IsIgnored(string name)
        => (_config.Family.TextModelType is not null && PictureParts.Any(part => name.StartsWith(part, StringComparison.Ordinal)))
            // Old checkpoints store the rotary frequencies, which follow from the config.
            || name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal)
            // HeadTie has made sure that a head in the files is a copy of the embeddings if the config still says that they are tied.
            || (_config.TieWordEmbeddings && PlainName(_config.Family, name) == WeightNames.Head);

    /// <summary>The name in the file of a weight that is not fused. Null if the files do not have it.</summary>
    public static string? Find(ModelConfig config, SafetensorsFolder files, string name)
        => files.Entries.Select(entry => entry.Name).FirstOrDefault(stored => PlainName(config.Family, stored) == name);

    // In a model that also sees pictures, the names of the text model's weights have a prefix. Newer files have its two words the other way around.
    private static string PlainName(ModelFamily family, string name)
    {
        if (family.TextModelType is null)
            return name;
        const string Old = "language_model.", New = "model.language_model.";
        return name.StartsWith(New, StringComparison.Ordinal) ? "model." + name[New.Length..]
            : name.StartsWith(Old, StringComparison.Ordinal) ? name[Old.Length..] : name;
    }
}
