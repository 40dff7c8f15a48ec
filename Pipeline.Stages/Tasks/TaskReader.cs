using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tasks;

/// <summary>A task with the full paths of its files.</summary>
/// <param name="File">The task file's content, changed where the options say so.</param>
/// <param name="Data">The files of questions.</param>
/// <param name="Examples">The file of answered questions; null where none is needed.</param>
internal sealed record LoadedTask(TaskFile File, IReadOnlyList<string> Data, string? Examples);

/// <summary>Reads task files. Unknown keys are refused, because a rule under a mistyped key would silently not be followed.</summary>
internal static class TaskReader
{
    private const int MaxBytes = 1 << 22;

    private static readonly JsonSerializerOptions Layout = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        PropertyNameCaseInsensitive = false,
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict,
    };

    /// <summary>Reads a task file, makes the changes that the options ask for, and checks the result.</summary>
    /// <exception cref="InputException">The file does not exist, is not a task file, or breaks rules; the message names all of these.</exception>
    public static LoadedTask Read(NamedTask named, StageContext context)
    {
        string path = RunPaths.Input(context.RunFolder, named.File), folder = Path.GetDirectoryName(path)!;
        TaskFile task = Parse(context.Storage, path);
        if (named.Examples is not null)
            task = task with { Examples = (task.Examples ?? new TaskExamples()) with { File = named.Examples, Rows = [] } };
        task = task with { Shots = named.Shots ?? task.Shots };
        string[] faults = [.. TaskFaults.Of(task)];
        if (faults.Length > 0)
            throw new InputException($"{path}: {string.Join("; ", faults)}");
        string? examples = task.Shots == 0 ? null
            : named.Examples is { } other ? RunPaths.Input(context.RunFolder, other)
            : task.Examples?.File is { } file ? Path.GetFullPath(file, folder) : null;
        return new LoadedTask(
            task,
            named.Data.Count > 0 ? [.. named.Data.Select(d => RunPaths.Input(context.RunFolder, d))] : [.. task.Data.Select(d => Path.GetFullPath(d, folder))],
            examples);
    }

    private static TaskFile Parse(IStorage storage, string path)
    {
        if (!storage.FileExists(path))
            throw new InputException($"{path} does not exist; name a task file");
        if (storage.Length(path) > MaxBytes)
            throw new InputException($"{path}: {storage.Length(path)} bytes, but a task file has at most {MaxBytes}; is it the task's data?");
        try
        {
            using Stream stream = storage.OpenRead(path);
            return JsonSerializer.Deserialize<TaskFile>(stream, Layout) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}: {FileHead.Tell(storage, path) ?? $"not a task file ({e.Message})"}; docs/tasks.md describes the format", e);
        }
    }
}
