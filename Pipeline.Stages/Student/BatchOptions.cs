using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Student;

/// <summary>What a definition may say about the <c>batch</c> stage.</summary>
internal sealed record BatchOptions
{
    [Description("Student tokens of one forward and backward pass, padding included: rows times the longest row. Lower it when memory runs out.")]
    [Range(1, 1 << 24)]
    public int Tokens { get; init; } = 4096;

    [Description("Number of examples that are sorted by length together. More means less padding. The batches of such a window come in shuffled order.")]
    [Range(1, 1 << 20)]
    public int Window { get; init; } = 512;
}
