using Pipeline.Contracts.Definitions;

namespace Pipeline.Host.Jobs;

/// <summary>
/// A definition as jobs: an array for each flow of several parts, one job for what lies between two of them and for the rest. Each depends
/// on the one before.
/// </summary>
internal static class JobPlan
{
    /// <param name="run">The definition.</param>
    /// <param name="parts">Parts of each flow; 1 for a flow that is one piece.</param>
    /// <param name="definition">Path of the definition that the jobs read.</param>
    /// <param name="folder">The run folder.</param>
    /// <param name="tasks">Most tasks of an array.</param>
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
        // Also where every flow is in parts: the run takes what the tasks left, and writes the report.
        steps.Add(new JobStep("run", ["run", definition, "--run", folder, "--plain"], null));
        return steps;
    }
}
