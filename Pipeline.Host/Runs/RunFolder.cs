using System.Text;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;

namespace Pipeline.Host.Runs;

/// <summary>A run folder, held by this process: locked, of this definition, without what dead processes left.</summary>
internal sealed class RunFolder : IDisposable
{
    private readonly IDisposable _lock;

    private RunFolder(string path, RunProgress progress, bool resumed, IDisposable held)
    {
        Path = path;
        Progress = progress;
        Resumed = resumed;
        _lock = held;
    }

    public string Path { get; }

    public RunProgress Progress { get; }

    /// <summary>Whether it was begun before.</summary>
    public bool Resumed { get; }

    /// <summary>What of the definition was taken over now that differs from what the folder was begun with.</summary>
    public IReadOnlyList<DefinitionChange> Changes { get; private init; } = [];

    /// <exception cref="LockedException">Another process holds it.</exception>
    /// <exception cref="DefinitionException">It was begun with a definition that differs in more than the run's length, or is not a run folder.</exception>
    public static RunFolder Open(IStorage storage, string path, LoadedDefinition definition, DefinitionLoader loader, TimeProvider time, int? from = null)
    {
        string folder = System.IO.Path.GetFullPath(path);
        string definitionPath = System.IO.Path.Combine(folder, RunFiles.Definition);
        if (!storage.FileExists(definitionPath))
            RefuseForeign(storage, folder);
        storage.CreateDirectory(folder);
        IDisposable held = storage.Lock(System.IO.Path.Combine(folder, RunFiles.Lock));
        try
        {
            Staging.CleanDead(storage, folder);
            bool resumed = storage.FileExists(definitionPath);
            IReadOnlyList<DefinitionChange> changes = resumed ? CheckSame(storage, folder, definition, loader, from) : [];
            TakeOver(storage, folder, changes, loader, time.GetUtcNow());
            RunProgress progress = RunProgress.Read(storage, folder);
            storage.WriteAtomically(definitionPath, stream => stream.Write(Encoding.UTF8.GetBytes(definition.Json)));
            return new RunFolder(folder, progress, resumed, held) { Changes = changes };
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => _lock.Dispose();

    /// <summary>Joins a folder to do a share of its work, alongside the process that holds it; makes the folder if it does not exist yet.</summary>
    /// <returns>Its full path.</returns>
    /// <exception cref="DefinitionException">It was begun with another definition, or is not a run folder.</exception>
    public static string Join(IStorage storage, string path, LoadedDefinition definition, DefinitionLoader loader, TimeProvider time)
    {
        string folder = System.IO.Path.GetFullPath(path);
        string definitionPath = System.IO.Path.Combine(folder, RunFiles.Definition);
        if (!storage.FileExists(definitionPath))
        {
            RefuseForeign(storage, folder);
            storage.WriteAtomically(definitionPath, stream => stream.Write(Encoding.UTF8.GetBytes(definition.Json)));
        }
        if (CheckSame(storage, folder, definition, loader).Count > 0)
        {
            // A correction changes what other processes in the folder rely on, so none of them may be working there.
            using IDisposable held = storage.Lock(System.IO.Path.Combine(folder, RunFiles.Lock));
            TakeOver(storage, folder, CheckSame(storage, folder, definition, loader), loader, time.GetUtcNow());
            storage.WriteAtomically(definitionPath, stream => stream.Write(Encoding.UTF8.GetBytes(definition.Json)));
        }
        return folder;
    }

    // --run with a typing error must not fill somebody's documents folder.
    private static void RefuseForeign(IStorage storage, string folder)
    {
        if (storage.FileExists(folder))
            throw new DefinitionException($"run folder {folder} is a file; name a folder");
        string? foreign = storage.List(folder)
            .FirstOrDefault(e => !Staging.IsStaging(e) && !System.IO.Path.GetFileName(e).StartsWith(RunFiles.Lock, StringComparison.Ordinal));
        // Another process may have begun the folder since.
        if (foreign is not null && !storage.FileExists(System.IO.Path.Combine(folder, RunFiles.Definition)))
        {
            throw new DefinitionException(
                $"{folder} is not a run folder: it has no {RunFiles.Definition} but holds {System.IO.Path.GetFileName(foreign)}; name an empty folder or one that does not exist");
        }
    }

    /// <summary>Whether a folder may continue with a definition.</summary>
    /// <param name="storage">Where it is.</param>
    /// <param name="folder">Full path.</param>
    /// <param name="definition">The definition.</param>
    /// <param name="loader">Reads the folder's own.</param>
    /// <param name="from">The flow that is made again with those after it, by its place.</param>
    /// <returns>What differs and is taken over; nothing where the definition only makes the run longer.</returns>
    /// <exception cref="DefinitionException">The definition differs from the folder's in what committed results were made with.</exception>
    public static IReadOnlyList<DefinitionChange> CheckSame(IStorage storage, string folder, LoadedDefinition definition, DefinitionLoader loader, int? from = null)
    {
        string path = System.IO.Path.Combine(folder, RunFiles.Definition);
        if (!storage.FileExists(path))
            return [];
        LoadedDefinition was = ReadOwn(path, loader);
        if (was.Hash == definition.Hash)
            return [];
        return new DefinitionCorrection(storage, folder, loader.Catalog).Accept(was.Definition, definition.Definition, from);
    }

    private static LoadedDefinition ReadOwn(string path, DefinitionLoader loader)
    {
        try
        {
            return loader.Read(path);
        }
        catch (DefinitionException e)
        {
            throw new DefinitionException($"{path} cannot be read; it is damaged or of another version of alm. Begin a new run folder with --run.\n{e.Message}", e);
        }
    }

    // Under the lock: what is known of the change stays with the folder, and what the change makes stale goes.
    private static void TakeOver(IStorage storage, string folder, IReadOnlyList<DefinitionChange> changes, DefinitionLoader loader, DateTimeOffset time)
    {
        if (changes.Count == 0)
            return;
        RunDefinition was = ReadOwn(System.IO.Path.Combine(folder, RunFiles.Definition), loader).Definition;
        new DefinitionCorrection(storage, folder, loader.Catalog).Clean(was, changes);
        ChangeLog.Append(storage, folder, changes, time);
    }
}
