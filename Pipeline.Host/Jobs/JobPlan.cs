using Pipeline.Contracts.Definitions;

namespace Pipeline.Host.Jobs;

/// <summary>
/// Divides a definition into jobs: an array for each flow of several parts, one job for the flows between two such arrays, and one for the rest. Each job
/// depends on the one before it.
/// </summary>
internal static class JobPlan
{
    /// <summary>The jobs of a run, in order.</summary>
    /// <param name="run">The definition.</param>
    /// <param name="parts">The number of parts of each flow; 1 for a flow that is one piece.</param>
    /// <param name="definition">The path of the definition that the jobs read.</param>
    /// <param name="folder">The run folder.</param>
    /// <param name="tasks">The most tasks that an array may have.</param>
    public static IReadOnlyList<JobStep> Of(RunDefinition run, IReadOnlyList<int> parts, string definition, string folder, int tasks)
    {
        var steps = new List<JobStep>();
        string? pending = null;
        for (int i = 0; i < run.Flows.Count; i++)
        {
            string flow = run.Flows[i].Name;
            if (parts[i] == 1)
            {
                pending = flow;
                continue;
            }
            if (pending is not null)
                steps.Add(new JobStep("run-" + pending, ["run", definition, "--run", folder, "--plain", "--through", pending], null));
            pending = null;
            steps.Add(new JobStep(flow, ["work", definition, "--run", folder, "--plain", "--flow", flow], Math.Min(tasks, parts[i])));
        }
        // This job is needed even if every flow is in parts. It does what the tasks have left, and writes the report.
        steps.Add(new JobStep("run", ["run", definition, "--run", folder, "--plain"], null));
        return steps;
    }
}
