using System.Security.Cryptography;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Torch;

/// <summary>Keeps the patched shim in a folder of the user's own, under a name made from its content.</summary>
internal static class ShimCopy
{
    /// <summary>The path of the patched copy. It is written, completely or not at all, if it does not exist or is not what it should be.</summary>
    public static string Write(string shippedPath)
    {
        byte[] patched = ShimPatch.Apply(File.ReadAllBytes(shippedPath), shippedPath);
        string folder = UserCache.Folder();
        string path = Path.Combine(folder, $"libLibTorchSharp.{Convert.ToHexStringLower(SHA256.HashData(patched))[..32]}.so");
        try
        {
            // The content is compared and the name not trusted, because this file is code that is about to run.
            if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(patched))
                return path;
            string staging = $"{path}.{Environment.ProcessId}";
            using (FileStream stream = new(staging, FileMode.Create, FileAccess.Write))
            {
                stream.Write(patched);
                stream.Flush(flushToDisk: true);
            }

            File.Move(staging, path, overwrite: true);
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"{folder}: cannot write a patched {Path.GetFileName(shippedPath)} there ({e.Message}); set XDG_CACHE_HOME to a writable folder", e);
        }
    }
}
