using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Text.Problems;

namespace Pipeline.Stages.Text;

/// <summary>Options of <c>generate-problems</c>.</summary>
internal sealed record GenerateProblemsOptions
{
    [Description("How many problems.")]
    [Range(1L, 1L << 40)]
    public required long Documents { get; init; }

    [Description("The index of the first problem, so that several files can hold different problems.")]
    [Range(0L, 1L << 40)]
    public long First { get; init; }

    [Description("train or test. No question is in both, whatever the seeds are.")]
    public ProblemSplit Split { get; init; } = ProblemSplit.Train;
}
