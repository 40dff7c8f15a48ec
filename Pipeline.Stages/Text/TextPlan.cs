using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Text;

/// <summary>What <c>alm check</c> says about a source of files.</summary>
internal static class TextPlan
{
    /// <param name="require">Refuses a file that holds nothing of what is asked for.</param>
    public static StagePlan Of(InputSelection input, Action<InputFile> require)
    {
        // What an earlier flow of the run is still to write cannot be counted.
        if (input.IsStillToBeWritten)
            return new StagePlan(null, []);
        foreach (InputFile file in input.Files)
            require(file);
        return new StagePlan(input.SelectedRows,
        [
            new PlanLine("rows", input.SelectedRows, PlanUnit.Count),
            new PlanLine("on disk", input.Files.Sum(f => f.Bytes), PlanUnit.Bytes),
        ]);
    }
}
