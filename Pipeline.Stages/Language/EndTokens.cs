using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Language;

/// <summary>Finds the tokens that end a text: the tokenizer's eos token, and those that the model's folder names.</summary>
public static class EndTokens
{
    private const string Key = "eos_token_id";
    private const int MaxBytes = 16 << 20;

    /// <summary>The ids of the end tokens; empty if neither the tokenizer nor the folder knows one.</summary>
    /// <param name="folder">The model's folder, as a full path.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="storage">The storage that has the folder.</param>
    /// <exception cref="InputException">A configuration file of the folder is not JSON, or is too large.</exception>
    public static HashSet<int> Read(string folder, TextTokenizer tokenizer, IStorage storage)
    {
        var ids = new HashSet<int>();
        if (tokenizer.EosId is { } eos)
            ids.Add(eos);
        // generation_config.json often lists the end of a turn as well. config.json is read only if that file is missing or names no end.
        foreach (string name in (string[])["generation_config.json", "config.json"])
        {
            string path = Path.Combine(folder, name);
            if (storage.FileExists(path) && AddFrom(path, storage, ids))
                break;
        }
        return ids;
    }

    private static bool AddFrom(string path, IStorage storage, HashSet<int> ids)
    {
        try
        {
            if (storage.Length(path) > MaxBytes)
                throw new JsonException($"longer than {MaxBytes} bytes");
            using Stream stream = storage.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(stream);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(Key, out JsonElement value))
                return false;
            JsonElement[] items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
            foreach (JsonElement item in items)
            {
                if (item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int id))
                    ids.Add(id);
            }
            return true;
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}: {FileHead.Tell(storage, path) ?? $"not JSON ({e.Message})"}", e);
        }
    }
}
