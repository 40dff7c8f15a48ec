using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Artifacts;

/// <summary>
/// Deletes what a verification found damaged or left over, and nothing else, so that the next run makes only that again. The caller must hold the lock of
/// the run folder.
/// </summary>
public static class ArtifactRepair
{
    /// <summary>Deletes the files and folders of the findings.</summary>
    /// <returns>The paths that were deleted.</returns>
    public static IReadOnlyList<string> Apply(IStorage storage, IReadOnlyList<Finding> findings)
    {
        var deleted = new List<string>();
        foreach (Finding finding in findings.Where(f => f.Kind is FindingKind.Damaged or FindingKind.Leftover))
        {
            if (storage.DirectoryExists(finding.Path))
                storage.DeleteDirectory(finding.Path);
            else if (storage.FileExists(finding.Path))
                storage.DeleteFile(finding.Path);
            else
                continue;
            storage.SyncDirectory(Path.GetDirectoryName(finding.Path)!);
            deleted.Add(finding.Path);
        }
        return deleted;
    }
}
