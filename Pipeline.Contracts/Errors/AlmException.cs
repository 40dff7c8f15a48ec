namespace Pipeline.Contracts.Errors;

/// <summary>
/// An error that the user can act on: its message names the thing, what was found, what was expected and what to do. The exit
/// code is part of the command line's contract.
/// </summary>
public abstract class AlmException(string message, int exitCode, Exception? inner = null) : Exception(message, inner)
{
    public int ExitCode { get; } = exitCode;
}

/// <summary>The definition file or the command line is wrong (exit 64).</summary>
public sealed class DefinitionException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Definition, inner);

/// <summary>Something read is wrong: text, a model, a tokenizer, a shard, a checkpoint (exit 65).</summary>
public sealed class InputException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Input, inner);

/// <summary>
/// A file of ours does not hold what was written (exit 65): it is cut off, has changed bits, or is not ours at all. <see cref="Path"/> is what to compute
/// again, and nothing else needs to be.
/// </summary>
public sealed class DamagedException(string path, string message, Exception? inner = null) : AlmException(message, ExitCodes.Input, inner)
{
    public string Path { get; } = path;
}

/// <summary>Memory ran out, the program's own or torch's (exit 71): says at which stage and batch, and which option to lower.</summary>
public sealed class MemoryException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Memory, inner);

/// <summary>Another process holds the run folder (exit 73).</summary>
public sealed class LockedException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Locked, inner);

/// <summary>The disk refused: full, read-only, an I/O error (exit 74).</summary>
public sealed class StorageException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Storage, inner);

/// <summary>Stopped at a safe point on request; the same command continues (exit 75).</summary>
public sealed class InterruptedException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Interrupted, inner)
{
    /// <summary>Whether every process that works together stops for the same reason at the same place, so that none needs to end the others.</summary>
    public bool IsAgreed { get; init; }
}
