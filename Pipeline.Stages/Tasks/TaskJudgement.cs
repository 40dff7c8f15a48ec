using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Tasks;

/// <summary>Runs the two stages of tasks without a graph, as <c>alm evaluate --tasks</c> does.</summary>
public static class TaskJudgement
{
    /// <summary>Sends all questions of the source to the sink.</summary>
    /// <param name="source">A stage <c>read-tasks</c>.</param>
    /// <param name="sink">A stage <c>judge-tasks</c>.</param>
    /// <param name="cancellationToken">Stops the work between batches.</param>
    public static Task RunAsync(object source, object sink, CancellationToken cancellationToken)
        => ((ISink<TaskQuestion>)sink).RunAsync(((ISource<TaskQuestion>)source).ReadAsync(cancellationToken), cancellationToken);
}
