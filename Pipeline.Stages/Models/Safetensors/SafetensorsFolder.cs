using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Safetensors;

/// <summary>The weights of a model folder: <c>model.safetensors</c>, or the shards that an index names. See <see cref="SafetensorsFile"/>.</summary>
public sealed class SafetensorsFolder : IDisposable
{
    public const string SingleName = "model.safetensors";
    public const string IndexName = "model.safetensors.index.json";

    private readonly Dictionary<string, SafetensorsFile> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SafetensorsFile> _where = new(StringComparer.Ordinal);

    private SafetensorsFolder()
    {
    }

    public IEnumerable<TensorEntry> Entries => _where.Select(pair => pair.Value.Entry(pair.Key));

    /// <summary>Opens all files of the folder's weights.</summary>
    /// <exception cref="InputException">There are no weights, a file is missing or corrupt, or the index names a file outside the folder.</exception>
    public static SafetensorsFolder Open(string folder, IStorage storage)
    {
        string single = Path.Combine(folder, SingleName), index = Path.Combine(folder, IndexName);
        SafetensorsFolder result = new();
        try
        {
            if (storage.FileExists(single))
                result.AddAll(SingleName, SafetensorsFile.Open(single, storage));
            else if (storage.FileExists(index))
                result.AddIndexed(folder, index, storage);
            else
                throw new InputException($"{folder}: it has neither {SingleName} nor {IndexName}{Other(folder, storage)}");
            return result;
        }
        catch
        {
            result.Dispose();
            throw;
        }
    }

    public bool Contains(string name) => _where.ContainsKey(name);

    public TensorEntry Entry(string name) => _where[name].Entry(name);

    /// <summary>A tensor on the CPU; see <see cref="SafetensorsFile.View"/>.</summary>
    public Tensor View(string name) => _where[name].View(name);

    public void Dispose()
    {
        foreach (SafetensorsFile file in _files.Values)
            file.Dispose();
    }

    private static string Other(string folder, IStorage storage)
        => FolderForm.Tell(storage, folder, SingleName) is { Length: > 0 } told ? told : "; other weight formats are not supported: convert them to safetensors";

    private void AddAll(string name, SafetensorsFile file)
    {
        _files.Add(name, file);
        foreach (TensorEntry entry in file.Entries)
            _where.Add(entry.Name, file);
    }

    private void AddIndexed(string folder, string indexPath, IStorage storage)
    {
        List<string> errors = [];
        foreach (IGrouping<string, string> shard in ReadIndex(indexPath, storage).GroupBy(entry => entry.Shard, entry => entry.Tensor, StringComparer.Ordinal))
        {
            string path = Path.Combine(folder, shard.Key);
            // The path of a name with folders in it could lead to any file of this machine.
            if (shard.Key.Length == 0 || shard.Key != Path.GetFileName(shard.Key) || shard.Key is "." or ".." || shard.Key.Contains('\\', StringComparison.Ordinal))
            {
                errors.Add($"shard name '{shard.Key}' is not a plain file name in the folder");
                continue;
            }

            if (!storage.FileExists(path))
            {
                errors.Add($"{shard.Key} does not exist, so {shard.Count()} tensors are missing ('{shard.First()}' first){FolderForm.Tell(storage, folder, shard.Key)}");
                continue;
            }

            SafetensorsFile file = SafetensorsFile.Open(path, storage);
            _files.Add(shard.Key, file);
            foreach (string tensor in shard)
            {
                if (file.Contains(tensor))
                    _where.Add(tensor, file);
                else
                    errors.Add($"'{tensor}' should be in {shard.Key}, which has no such tensor");
            }
        }

        if (errors.Count > 0)
            throw new InputException($"{indexPath}: {string.Join("; ", errors)}");
    }

    private static List<(string Tensor, string Shard)> ReadIndex(string path, IStorage storage)
    {
        if (storage.Length(path) > SafetensorsHeader.LargestJson)
            throw new InputException($"{path}: larger than {SafetensorsHeader.LargestJson} bytes; not an index of shards");
        List<(string, string)> map = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        try
        {
            using Stream stream = storage.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(stream);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("weight_map", out JsonElement weights) || weights.ValueKind != JsonValueKind.Object)
                throw new InputException($"{path}: no object 'weight_map' in it");
            foreach (JsonProperty entry in weights.EnumerateObject())
            {
                if (!seen.Add(entry.Name))
                    throw new InputException($"{path}: tensor '{entry.Name}' is listed twice");
                map.Add((entry.Name, entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : throw new InputException($"{path}: the shard of '{entry.Name}' is not a name")));
            }
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}: {FileHead.Tell(storage, path) ?? $"not JSON ({e.Message})"}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"{path}: holds text that is not UTF-8 ({e.Message})", e);
        }

        return map;
    }
}
