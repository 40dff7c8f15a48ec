using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Artifacts;

/// <summary>A kind of file or folder that <c>inspect</c>, <c>verify</c> and <c>repair</c> know; see <see cref="ArtifactTable"/>.</summary>
internal interface IArtifactKind
{
    /// <summary>"shard", "checkpoint": as reports name it.</summary>
    string Name { get; }

    /// <summary>A folder that holds other artifacts is looked into; any other is one artifact.</summary>
    bool HoldsOthers => false;

    /// <summary>Whether the path is of this kind: cheap, and without trusting what is in it.</summary>
    bool Recognises(IStorage storage, string path);

    /// <summary>Prints what it is.</summary>
    /// <exception cref="Contracts.Errors.InputException">It is damaged.</exception>
    void Inspect(IStorage storage, string path, TextWriter output);

    /// <summary>Checks every checksum it has.</summary>
    IEnumerable<ArtifactFault> Verify(IStorage storage, string path);
}

/// <summary>Something that is wrong.</summary>
/// <param name="Path">The file.</param>
/// <param name="What">What was found, and what was expected.</param>
/// <param name="Remove">What <c>repair</c> deletes so that the next run makes it anew.</param>
internal sealed record ArtifactFault(string Path, string What, IReadOnlyList<string> Remove);
