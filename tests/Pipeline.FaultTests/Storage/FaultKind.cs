namespace Pipeline.FaultTests.Storage;

/// <summary>What goes wrong at the chosen call.</summary>
public enum FaultKind
{
    /// <summary>EIO: the call fails, later ones work.</summary>
    InputOutputError,

    /// <summary>ENOSPC: the call fails, later ones work (somebody made room).</summary>
    NoSpace,

    /// <summary>Half of the bytes of a write arrive, then ENOSPC; another call fails whole.</summary>
    ShortWrite,

    /// <summary>The process is gone: this call and every later one do nothing.</summary>
    Kill,
}

/// <summary>Stands for kill -9: no error of the storage, so that no one takes it for one.</summary>
public sealed class KilledException : Exception
{
    public KilledException()
        : base("killed")
    {
    }
}
