using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Artifacts;

/// <summary>Finds the artifacts below a folder.</summary>
internal sealed class ArtifactWalk(IStorage storage, IReadOnlyList<IArtifactKind> kinds)
{
    /// <summary>Files that no kind knows: logs, metrics, what a user put there.</summary>
    public int Unknown { get; private set; }

    public IEnumerable<(IArtifactKind Kind, string Path)> Below(string root)
    {
        var pending = new Stack<string>([Path.GetFullPath(root)]);
        while (pending.TryPop(out string? path))
        {
            IArtifactKind? kind = kinds.Of(storage, path);
            if (kind is not null)
                yield return (kind, path);
            if (storage.DirectoryExists(path) && (kind is null || kind.HoldsOthers))
            {
                foreach (string entry in storage.List(path).Reverse())
                    pending.Push(entry);
            }
            else if (kind is null)
            {
                Unknown++;
            }
        }
    }
}
