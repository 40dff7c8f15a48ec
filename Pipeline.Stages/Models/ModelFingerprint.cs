using System.Globalization;
using System.IO.Hashing;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Models;

/// <summary>
/// A hash of what a model folder computes, over config.json and the safetensors files in the order of their names. The name of the folder does not
/// matter. The same weights in other shards have another hash.
/// </summary>
internal static class ModelFingerprint
{
    public static string Of(string folder, IStorage storage)
    {
        var hash = new XxHash3();
        foreach (string path in storage.List(folder))
        {
            string name = Path.GetFileName(path);
            if (name != "config.json" && !name.EndsWith(".safetensors", StringComparison.Ordinal)) continue;
            using Stream file = storage.OpenRead(path);
            hash.Append(file);
        }
        return hash.GetCurrentHashAsUInt64().ToString("x16", CultureInfo.InvariantCulture);
    }
}
