using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Models.Safetensors;

/// <summary>Writes a file beside its place and renames it in.</summary>
internal static class AtomicFile
{
    public static void Write(string path, IStorage storage, Action<Stream> write)
    {
        string staging = path + ".writing";
        if (storage.FileExists(staging))
            storage.DeleteFile(staging);
        using (Stream stream = storage.CreateNew(staging))
        {
            write(stream);
            stream.Flush();
            storage.Sync(stream);
        }

        storage.Rename(staging, path);
        storage.SyncDirectory(Path.GetDirectoryName(path)!);
    }
}
