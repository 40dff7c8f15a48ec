using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Tasks;

/// <summary>Both stages by themselves, for who has no graph.</summary>
public static class TaskJudgement
{
    /// <param name="source">A <c>read-tasks</c>.</param>
    /// <param name="sink">A <c>judge-tasks</c>.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public static Task RunAsync(object source, object sink, CancellationToken cancellationToken)
        => ((ISink<TaskQuestion>)sink).RunAsync(((ISource<TaskQuestion>)source).ReadAsync(cancellationToken), cancellationToken);
}
