namespace Pipeline.Contracts.Errors;

/// <summary>
/// An error that the user can act on. The message names the thing, what was found, what was expected and what to do. The exit code is part of the
/// command line's contract.
/// </summary>
public abstract class AlmException(string message, int exitCode, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>One of the <see cref="ExitCodes"/>.</summary>
    public int ExitCode { get; } = exitCode;
}

/// <summary>The definition file or the command line is wrong (exit 64).</summary>
public sealed class DefinitionException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Definition, inner);

/// <summary>Something that is read is wrong: a text, a model, a tokenizer, a shard, a checkpoint (exit 65).</summary>
public sealed class InputException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Input, inner);

/// <summary>
/// A file of this program does not contain what was written (exit 65). It is cut off, some bits have changed, or it was never a file of this program.
/// </summary>
public sealed class DamagedException(string path, string message, Exception? inner = null) : AlmException(message, ExitCodes.Input, inner)
{
    /// <summary>The file or folder that has to be computed again. Nothing else has to be.</summary>
    public string Path { get; } = path;
}

/// <summary>Memory ran out, the program's own or torch's (exit 71). The message names the stage, the batch and the option to lower.</summary>
public sealed class MemoryException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Memory, inner);

/// <summary>Another process holds the run folder (exit 73).</summary>
public sealed class LockedException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Locked, inner);

/// <summary>The disk refused: it is full, read-only, or has an I/O error (exit 74).</summary>
public sealed class StorageException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Storage, inner);

/// <summary>The run stopped at a safe point because the user asked for it (exit 75). The same command continues it.</summary>
public sealed class InterruptedException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Interrupted, inner)
{
    /// <summary>
    /// Whether all processes that work together stop for the same reason at the same place. If so, none of them needs to end the others.
    /// </summary>
    public bool IsAgreed { get; init; }
}
