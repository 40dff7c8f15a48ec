using Pipeline.Contracts.Storage;

namespace Pipeline.Contracts.Formats;

/// <summary>Says what is wrong with a folder that lacks a file of a model or tokenizer, from the names of what is in it.</summary>
public static class FolderForm
{
    /// <summary>
    /// The end of an error message about a missing file: what the folder is instead, and what to do. Empty if the names are not recognized.
    /// </summary>
    /// <param name="storage">Where the folder is.</param>
    /// <param name="folder">Its full path.</param>
    /// <param name="missing">The name of the missing file.</param>
    public static string Tell(IStorage storage, string folder, string missing)
    {
        IReadOnlyList<string> entries = storage.DirectoryExists(folder) ? storage.List(folder) : [];
        string[] names = [.. entries.Select(entry => Path.GetFileName(entry))];
        // A download cache makes links before their files exist, and keeps them when the files are cleaned away.
        string[] dangling = [.. entries.Where(entry => storage.IsLink(entry) && !storage.FileExists(entry) && !storage.DirectoryExists(entry)).Select(entry => Path.GetFileName(entry))];
        if (dangling.Length > 0)
            return $"; {(dangling.Contains(missing) ? "it is a link" : $"{dangling[0]} is a link")} to a file that does not exist: the download is incomplete, or the cache was cleaned; download the model again";
        if (names.Contains("snapshots"))
            return $"; this is the root of a cached download, and the model is in one of: {Snapshots(storage, folder)}";
        if (names.FirstOrDefault(name => name.StartsWith("models--", StringComparison.Ordinal)) is { } model)
            return $"; this is a cache of downloads, and one of its models is in {Snapshots(storage, Path.Combine(folder, model))}";
        if (names.Contains("adapter_config.json") || names.Any(name => name.StartsWith("adapter_model.", StringComparison.Ordinal)))
            return "; the folder holds only a PEFT adapter, which needs the model it was trained on: merge the two with 'alm merge'";
        if (Ending(names, ".gguf") is { } gguf)
            return $"; the folder holds {gguf}. A GGUF file can be a teacher (\"backend\": \"gguf\", with the file as its model), but it is not a model folder: use the folder it was made from, in Hugging Face's layout (config.json, safetensors, tokenizer.json)";
        if ((names.FirstOrDefault(name => name.StartsWith("pytorch_model", StringComparison.Ordinal)) ?? Ending(names, ".pth") ?? Ending(names, ".pt")) is { } pickle)
        {
            return $", but {pickle}, a pickle, which can run code while it is read. Convert it once, where transformers is installed: "
                + "python -c \"from transformers import AutoModelForCausalLM as M; M.from_pretrained('DIR').save_pretrained('OUT', safe_serialization=True)\", and copy the tokenizer's files";
        }
        if ((Ending(names, ".h5") ?? Ending(names, ".msgpack") ?? Ending(names, ".onnx")) is { } other)
            return $"; the folder holds {other}, which is not supported: use the model's safetensors";
        return "";
    }

    private static string? Ending(string[] names, string ending) => names.FirstOrDefault(name => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    private static string Snapshots(IStorage storage, string root)
    {
        string snapshots = Path.Combine(root, "snapshots");
        IReadOnlyList<string> found = storage.DirectoryExists(snapshots) ? storage.List(snapshots) : [];
        return found.Count == 0 ? $"{snapshots}, which is empty: download the model again" : string.Join(", ", found.Take(5));
    }
}
