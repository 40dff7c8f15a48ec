using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Choices;

namespace Pipeline.Stages.Tasks;

/// <summary>Checks before the run that task files are in order, and that the first rows of their data are what they say.</summary>
internal static class ReadTasksRules
{
    private const int RowsLookedAt = 100;

    public static IEnumerable<RuleFinding> Of(ReadTasksOptions options, StageContext context)
    {
        if (options.Tasks.Count == 0)
            yield return new RuleFinding("tasks", "'tasks' is empty; name at least one");
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < options.Tasks.Count; i++)
        {
            (LoadedTask? task, string? fault) = Read(options.Tasks[i], context);
            if (task is null)
            {
                yield return new RuleFinding($"tasks[{i}].file", $"'tasks[{i}]': {fault}") { IsInput = true };
                continue;
            }
            if (!names.Add(task.File.Name))
                yield return new RuleFinding($"tasks[{i}].file", $"'tasks[{i}]': two tasks are named '{task.File.Name}'; give one another name");
            foreach (RuleFinding finding in OfFiles(i, options.Tasks[i], task, context))
                yield return finding;
        }
    }

    private static (LoadedTask? Task, string? Fault) Read(NamedTask named, StageContext context)
    {
        try
        {
            return (TaskReader.Read(named, context), null);
        }
        catch (Exception e) when (e is InputException or DefinitionException)
        {
            return (null, e.Message);
        }
    }

    private static IEnumerable<RuleFinding> OfFiles(int index, NamedTask named, LoadedTask task, StageContext context)
    {
        string where = $"'tasks[{index}]', task '{task.File.Name}'";
        string key = named.Data.Count > 0 ? $"tasks[{index}].data" : $"tasks[{index}].file";
        if (named.Data.FirstOrDefault(d => RunNames.Fault(d, context) is not null) is { } none)
        {
            yield return new RuleFinding(key, $"{where}: {RunNames.Fault(none, context)}");
            yield break;
        }
        // Files that an earlier flow has yet to write cannot be looked at now.
        if (named.Data.Append(named.Examples).OfType<string>().Any(d => RunNames.Find(d, context) is not null))
            yield break;
        if (task.Data.Count == 0)
            yield return new RuleFinding(key, $"{where}: no file of questions is named; give 'data'");
        var data = new TaskData(context.Storage, task);
        string[] faults = [.. task.Data.Append(task.Examples).OfType<string>().Select(path => Fault(path, data, context.Storage)).OfType<string>()];
        foreach (string fault in faults)
            yield return new RuleFinding(key, $"{where}: {fault}") { IsInput = true };
        if (faults.Length == 0 && task.Data.Count > 0 && FirstReject(data) is { } reject)
            yield return new RuleFinding(key, $"{where}: none of its first rows is a question: {reject}") { IsInput = true };
    }

    private static string? Fault(string path, TaskData data, IStorage storage)
        => storage.FileExists(path) ? data.FaultOf(path) : $"{path} does not exist; this program does not include the data of tasks: put the file there, or give 'data'";

    // Why the first of these rows is not a question; null if one of them is a question.
    private static string? FirstReject(TaskData data)
    {
        string? first = null;
        foreach ((_, string place, Func<TaskQuestion> make) in data.Read(CancellationToken.None).Take(RowsLookedAt))
        {
            try
            {
                make();
                return null;
            }
            catch (ChoiceReject e)
            {
                first ??= $"{place}: {e.Reason}: {e.Message}";
            }
            catch (InputException e)
            {
                return e.Message;
            }
        }
        return first ?? "there are none";
    }
}
