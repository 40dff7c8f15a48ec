using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Checkpoints;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Shards;

namespace Pipeline.Stages.Artifacts;

/// <summary>
/// Checks every checksum below a folder: those of shards and their manifests, of checkpoints, and of folders with a list of checksums. Writes nothing, and
/// goes on after a finding.
/// </summary>
public sealed class ArtifactVerifier
{
    private readonly IStorage _storage;
    private readonly List<Finding> _findings = [];
    private int _intact;
    private long _bytes;

    private ArtifactVerifier(IStorage storage) => _storage = storage;

    /// <summary>Checks a folder and everything below it. Links are not followed.</summary>
    /// <exception cref="InputException">There is no such folder.</exception>
    public static VerificationReport Verify(IStorage storage, string folder, CancellationToken cancellationToken = default)
    {
        if (!storage.DirectoryExists(folder))
            throw new InputException($"{folder} is not a folder; give a run folder, or one inside it");
        var verifier = new ArtifactVerifier(storage);
        verifier.Walk(folder, cancellationToken);
        return new VerificationReport(verifier._findings, verifier._intact, verifier._bytes);
    }

    private void Walk(string folder, CancellationToken cancellationToken)
    {
        if (CheckpointFolder.StepOf(folder) is not null)
        {
            VerifyCheckpoint(folder, cancellationToken);
            return;
        }
        IReadOnlyList<string> entries = _storage.List(folder);
        bool hasShards = false;
        foreach (string path in entries)
        {
            if (Staging.IsStaging(path))
                _findings.Add(new Finding(FindingKind.Leftover, path, $"{path} was never finished; the next run deletes it, unless its process still runs"));
            else if (_storage.DirectoryExists(path) && _storage.IsLink(path))
                _findings.Add(new Finding(FindingKind.Foreign, path, $"{path} is a link and was not followed; verify its target by its own path"));
            else if (_storage.DirectoryExists(path))
                Walk(path, cancellationToken);
            else
                hasShards |= path.EndsWith(ShardFormat.Extension, StringComparison.Ordinal);
        }
        if (hasShards || _storage.FileExists(ShardManifest.PathIn(folder)))
            VerifyShards(folder, entries, cancellationToken);
        if (HypernetworkFacts.IsIn(_storage, folder))
            VerifyHypernetwork(folder);
        if (_storage.FileExists(Path.Combine(folder, FileList.FileName)))
            VerifyList(folder, cancellationToken);
    }

    // The list of checksums covers its bytes. This checks its format.
    private void VerifyHypernetwork(string folder) => Check(folder, () =>
    {
        HypernetworkFacts.Read(_storage, folder);
        return 0;
    });

    private void VerifyShards(string folder, IReadOnlyList<string> entries, CancellationToken cancellationToken)
    {
        ShardManifest? manifest = null;
        string manifestPath = ShardManifest.PathIn(folder);
        if (_storage.FileExists(manifestPath))
        {
            Check(manifestPath, () =>
            {
                manifest = ShardManifest.Read(_storage, folder);
                return _storage.Length(manifestPath);
            });
        }
        foreach (string path in entries.Where(p => p.EndsWith(ShardFormat.Extension, StringComparison.Ordinal) && !Staging.IsStaging(p)))
            Check(path, () => VerifyShard(path, manifest, cancellationToken));
        foreach (ShardEntry shard in manifest?.Shards ?? [])
        {
            string path = Path.Combine(folder, shard.File);
            if (!_storage.FileExists(path))
                _findings.Add(new Finding(FindingKind.Missing, path, $"{path} is listed in the manifest but does not exist"));
        }
    }

    private long VerifyShard(string path, ShardManifest? manifest, CancellationToken cancellationToken)
    {
        ShardReader shard = ShardReader.Open(_storage, path);
        shard.Verify(cancellationToken);
        if (Path.GetFileName(path) != ShardFormat.FileName(shard.Header.Index, shard.Header.Count))
            throw new InputException($"{path} says it is shard {shard.Header.Index} of {shard.Header.Count}: it was renamed");
        if (manifest is not null)
            shard.Header.Fingerprint.RequireExactly(new ShardFingerprint(manifest.Fingerprint), path);
        return shard.Bytes;
    }

    private void VerifyCheckpoint(string folder, CancellationToken cancellationToken)
    {
        try
        {
            Checkpoint checkpoint = CheckpointSet.Open(_storage, folder, cancellationToken);
            _intact += checkpoint.Files.Count + 1;
            _bytes += checkpoint.Files.Sum(f => f.Bytes);
        }
        catch (DamagedException e)
        {
            _findings.Add(new Finding(FindingKind.Damaged, folder, e.Message));
        }
        catch (InputException e)
        {
            _findings.Add(new Finding(FindingKind.Foreign, folder, e.Message));
        }
    }

    // If a file is damaged, the list counts as damaged too and is deleted with it. The stage that wrote the folder then sees that it is not complete, and
    // writes it again.
    private void VerifyList(string folder, CancellationToken cancellationToken)
    {
        string listPath = Path.Combine(folder, FileList.FileName);
        FileList? list = null;
        Check(listPath, () =>
        {
            list = FileList.Read(_storage, folder);
            return _storage.Length(listPath);
        });
        int before = _findings.Count;
        foreach (FileHash file in list?.Files ?? [])
        {
            Check(Path.Combine(folder, file.Name), () =>
            {
                file.Verify(_storage, folder, cancellationToken);
                return file.Bytes;
            });
        }
        if (_findings.Count > before)
            _findings.Add(new Finding(FindingKind.Damaged, listPath, $"{listPath} lists a file that has changed since it was written"));
    }

    private void Check(string path, Func<long> verify)
    {
        try
        {
            _bytes += verify();
            _intact++;
        }
        catch (DamagedException e)
        {
            _findings.Add(new Finding(_storage.FileExists(path) ? FindingKind.Damaged : FindingKind.Missing, path, e.Message));
        }
        catch (InputException e)
        {
            _findings.Add(new Finding(FindingKind.Foreign, path, e.Message));
        }
    }
}
