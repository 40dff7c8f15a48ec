using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Choices;

namespace Pipeline.Stages.Tasks;

/// <summary>Reads the questions of tasks, in the order of the tasks and of the rows in their files.</summary>
internal sealed class ReadTasksSource(ReadTasksOptions options, StageContext context) : ISource<TaskQuestion>
{
    public static StageRegistration Registration { get; } = StageRegistration.Source<ReadTasksOptions, TaskQuestion, ReadTasksSource>(
        "read-tasks", "Reads the questions of task files, for judge-tasks.",
        static (o, c) => new ReadTasksSource(o, c))
        .Ruled<ReadTasksOptions>(ReadTasksRules.Of);

    public IAsyncEnumerable<TaskQuestion> ReadAsync(CancellationToken cancellationToken) => Read(cancellationToken).ToAsyncEnumerable();

    private IEnumerable<TaskQuestion> Read(CancellationToken cancellationToken)
    {
        if (options.Tasks.Count == 0)
            throw new DefinitionException($"stage '{context.StageName}': 'tasks' is empty; name at least one");
        LoadedTask[] tasks = [.. options.Tasks.Select(t => TaskReader.Read(t, context))];
        if (tasks.GroupBy(t => t.File.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new DefinitionException($"stage '{context.StageName}': two tasks are named '{twice.Key}'; give one another name");
        foreach (LoadedTask task in tasks)
        {
            int questions = 0;
            foreach ((DocumentId id, string place, Func<TaskQuestion> make) in new TaskData(context.Storage, task).Read(cancellationToken))
            {
                if (options.MaxQuestions > 0 && questions == options.MaxQuestions)
                    break;
                if (Make(make, id, $"task '{task.File.Name}': {place}") is not { } question)
                    continue;
                questions++;
                yield return question;
            }
            if (questions == 0)
                throw new InputException($"task '{task.File.Name}': {string.Join(", ", task.Data)} hold no question that can be asked; see the rejects");
        }
    }

    private TaskQuestion? Make(Func<TaskQuestion> make, DocumentId id, string place)
    {
        try
        {
            TaskQuestion question = make();
            context.Meter.Count("questions", 1);
            return question;
        }
        catch (ChoiceReject e)
        {
            context.Rejects.Reject(id, e.Reason, $"{place}: {e.Message}");
            return null;
        }
    }
}
