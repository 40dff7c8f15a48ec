using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Checkpoints;

/// <summary>A checkpoint whose checksums were right when it was opened.</summary>
internal sealed class Checkpoint
{
    private readonly IStorage _storage;

    internal Checkpoint(IStorage storage, string folder, CheckpointManifest manifest)
    {
        _storage = storage;
        Folder = folder;
        Step = manifest.Step;
        Files = manifest.Files;
    }

    public string Folder { get; }

    public long Step { get; }

    public IReadOnlyList<FileHash> Files { get; }

    /// <summary>The full path of a file, for readers that map it into memory.</summary>
    /// <exception cref="InputException">The checkpoint has no file with this name.</exception>
    public string PathOf(string name) => Files.Any(f => f.Name == name)
        ? Path.Combine(Folder, name)
        : throw new InputException($"{Folder} has no {name}; it holds {string.Join(", ", Files.Select(f => f.Name))}. It was written by another stage or an older program");

    public Stream OpenRead(string name) => _storage.OpenRead(PathOf(name));

    public string ReadState()
    {
        using var reader = new StreamReader(OpenRead(CheckpointWriter.StateFile), Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
