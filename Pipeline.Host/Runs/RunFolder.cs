using System.Text;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;

namespace Pipeline.Host.Runs;

/// <summary>A run folder that this process holds: it is locked, it contains the run's definition, and what dead processes left in it has been deleted.</summary>
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

    /// <summary>Whether the folder had been begun before it was opened.</summary>
    public bool Resumed { get; }

    /// <summary>Changes of the definition since the folder was last opened, now taken over. Those that only make the run longer are not in the list.</summary>
    public IReadOnlyList<DefinitionChange> Changes { get; private init; } = [];

    /// <summary>Opens a run folder and locks it, or begins a new one. The lock is released when the folder is disposed of.</summary>
    /// <param name="storage">The storage that the folder is in.</param>
    /// <param name="path">The path of the folder.</param>
    /// <param name="definition">The definition to continue with.</param>
    /// <param name="loader">Reads the folder's own definition.</param>
    /// <param name="time">Says when a change was taken over.</param>
    /// <param name="from">The index of the first flow that is made again. Null if none is.</param>
    /// <exception cref="LockedException">Another process holds the folder.</exception>
    /// <exception cref="DefinitionException">
    /// It is not a run folder, or results in it were made with a definition that differs (<see cref="DefinitionCorrection"/>).
    /// </exception>
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

    /// <summary>The path of a file in the folder.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => _lock.Dispose();

    /// <summary>Joins a folder to do a share of its work, alongside the process that holds it. Begins the folder if it does not exist yet.</summary>
    /// <returns>The full path of the folder.</returns>
    /// <exception cref="LockedException">The definition was corrected, and another process holds the folder.</exception>
    /// <exception cref="DefinitionException">
    /// It is not a run folder, or results in it were made with a definition that differs (<see cref="DefinitionCorrection"/>).
    /// </exception>
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
            // Other processes in the folder rely on the definition, so none may hold the folder while it changes.
            using IDisposable held = storage.Lock(System.IO.Path.Combine(folder, RunFiles.Lock));
            TakeOver(storage, folder, CheckSame(storage, folder, definition, loader), loader, time.GetUtcNow());
            storage.WriteAtomically(definitionPath, stream => stream.Write(Encoding.UTF8.GetBytes(definition.Json)));
        }
        return folder;
    }

    // A --run with a typing error must not write a run into, say, a folder of documents.
    private static void RefuseForeign(IStorage storage, string folder)
    {
        if (storage.FileExists(folder))
            throw new DefinitionException($"run folder {folder} is a file; name a folder");
        string? foreign = storage.List(folder)
            .FirstOrDefault(e => !Staging.IsStaging(e) && !System.IO.Path.GetFileName(e).StartsWith(RunFiles.Lock, StringComparison.Ordinal));
        // Another process may have begun the folder since the caller looked.
        if (foreign is not null && !storage.FileExists(System.IO.Path.Combine(folder, RunFiles.Definition)))
        {
            throw new DefinitionException(
                $"{folder} is not a run folder: it has no {RunFiles.Definition} but holds {System.IO.Path.GetFileName(foreign)}; name an empty folder or one that does not exist");
        }
    }

    /// <summary>Checks that a folder may continue with a definition. Changes nothing.</summary>
    /// <param name="storage">The storage that the folder is in.</param>
    /// <param name="folder">The full path of the folder. It need not have been begun.</param>
    /// <param name="definition">The definition to continue with.</param>
    /// <param name="loader">Reads the folder's own definition.</param>
    /// <param name="from">The index of the first flow that is made again, together with all later ones. Null if none is.</param>
    /// <returns>The changes that would be taken over. Empty if the definition is the same, or only makes the run longer.</returns>
    /// <exception cref="DefinitionException">Something that is committed was made with what differs.</exception>
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

    // Called under the lock. Records the changes, and deletes what they make stale.
    private static void TakeOver(IStorage storage, string folder, IReadOnlyList<DefinitionChange> changes, DefinitionLoader loader, DateTimeOffset time)
    {
        if (changes.Count == 0)
            return;
        RunDefinition was = ReadOwn(System.IO.Path.Combine(folder, RunFiles.Definition), loader).Definition;
        new DefinitionCorrection(storage, folder, loader.Catalog).Clean(was, changes);
        ChangeLog.Append(storage, folder, changes, time);
    }
}
