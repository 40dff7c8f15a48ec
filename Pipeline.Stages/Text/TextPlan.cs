using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Text;

/// <summary>What <c>alm check</c> says of a source of files.</summary>
internal static class TextPlan
{
    public static StagePlan Of(InputSelection input, IReadOnlyList<string> patterns, StageContext context)
    {
        // What an earlier flow of the run is still to write cannot be counted.
        if (patterns.Any(p => p.StartsWith(RunPaths.RunPrefix, StringComparison.Ordinal)) && !context.Storage.DirectoryExists(context.RunFolder))
            return new StagePlan(null, []);
        return new StagePlan(input.SelectedRows,
        [
            new PlanLine("rows", input.SelectedRows, PlanUnit.Count),
            new PlanLine("on disk", input.Files.Sum(f => f.Bytes), PlanUnit.Bytes),
        ]);
    }
}
