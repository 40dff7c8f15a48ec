using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Text;

/// <summary>What <c>alm check</c> says about a source that reads files.</summary>
internal static class TextPlan
{
    /// <summary>The plan of a source.</summary>
    /// <param name="input">What it reads.</param>
    /// <param name="require">Throws if a file does not have what is asked for.</param>
    public static StagePlan Of(InputSelection input, Action<InputFile> require)
    {
        // Files that an earlier flow of the run has yet to write cannot be counted.
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
