using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Stages.Student;

/// <summary>What a definition may say about the <c>realign</c> stage.</summary>
internal sealed record RealignOptions
{
    [Description("The student whose tokenizer the examples get, where a definition trains several. Absent: the definition's own.")]
    public StudentDefinition? Student { get; init; }

    [Description("Examples with more tokens than this under the new tokenizer are rejected. Absent: no limit.")]
    [Range(16, 4_194_304)]
    public int? MaxStudentTokens { get; init; }
}
