using System.Text;
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

    /// <exception cref="LockedException">Another process holds it.</exception>
    /// <exception cref="DefinitionException">It was begun with a definition that differs in more than the run's length, or is no run folder.</exception>
    public static RunFolder Open(IStorage storage, string path, LoadedDefinition definition, DefinitionLoader loader)
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
            if (resumed)
                CheckSame(storage, folder, definition, loader);
            RunProgress progress = RunProgress.Read(storage, folder);
            storage.WriteAtomically(definitionPath, stream => stream.Write(Encoding.UTF8.GetBytes(definition.Json)));
            return new RunFolder(folder, progress, resumed, held);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => _lock.Dispose();

    /// <summary>Goes into a folder to do a share of its work, beside whoever holds it; makes it when nobody has yet.</summary>
    /// <returns>Its full path.</returns>
    /// <exception cref="DefinitionException">It was begun with another definition, or is no run folder.</exception>
    public static string Join(IStorage storage, string path, LoadedDefinition definition, DefinitionLoader loader)
    {
        string folder = System.IO.Path.GetFullPath(path);
        string definitionPath = System.IO.Path.Combine(folder, RunFiles.Definition);
        if (!storage.FileExists(definitionPath))
        {
            RefuseForeign(storage, folder);
            storage.WriteAtomically(definitionPath, stream => stream.Write(Encoding.UTF8.GetBytes(definition.Json)));
        }
        CheckSame(storage, folder, definition, loader);
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
                $"{folder} is no run folder: it has no {RunFiles.Definition} but holds {System.IO.Path.GetFileName(foreign)}; name an empty folder or one that does not exist");
        }
    }

    /// <summary>Whether a folder may go on with a definition.</summary>
    /// <exception cref="DefinitionException">The definition differs from the folder's in more than the run's length.</exception>
    public static void CheckSame(IStorage storage, string folder, LoadedDefinition definition, DefinitionLoader loader)
    {
        string path = System.IO.Path.Combine(folder, RunFiles.Definition);
        if (!storage.FileExists(path))
            return;
        LoadedDefinition was;
        try
        {
            was = loader.Read(path);
        }
        catch (DefinitionException e)
        {
            throw new DefinitionException($"{path} cannot be read; it is damaged or of another version of alm. Begin a new run folder with --run.\n{e.Message}", e);
        }
        if (was.Hash == definition.Hash)
            return;
        List<DefinitionChange> refused = new DefinitionDiff(new OptionTypes())
            .Compare(was.Definition, definition.Definition).Where(c => !c.Extends).ToList();
        if (refused.Count > 0)
        {
            throw new DefinitionException(
                $"{folder} was begun with another definition:{DefinitionDiff.Describe(refused)}\n"
                + "What is there would be mixed with other results. Undo the change, or begin a new run folder with --run.");
        }
    }
}
