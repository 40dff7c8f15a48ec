using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tokenization.Writing;

/// <summary>A file appears whole or not at all: written beside its name, synced, renamed.</summary>
internal static class StagedFile
{
    private const string Suffix = ".staging";

    public static void Write(IStorage storage, string path, ReadOnlySpan<byte> bytes)
    {
        using (Stream stream = Open(storage, path))
        {
            stream.Write(bytes);
            storage.Sync(stream);
        }
        Commit(storage, path);
    }

    public static Stream Open(IStorage storage, string path)
    {
        if (storage.FileExists(path + Suffix))
            storage.DeleteFile(path + Suffix);
        return storage.CreateNew(path + Suffix);
    }

    public static void Commit(IStorage storage, string path) => storage.Rename(path + Suffix, path);
}
