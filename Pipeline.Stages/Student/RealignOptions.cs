using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Stages.Student;

/// <summary>What a definition may say of the <c>realign</c> stage.</summary>
internal sealed record RealignOptions
{
    [Description("The student whose tokenizer the examples are to have, where a definition trains several; the definition's own when absent.")]
    public StudentDefinition? Student { get; init; }

    [Description("Examples with more tokens than this under the new tokenizer are rejected; no limit when absent.")]
    [Range(16, 4_194_304)]
    public int? MaxStudentTokens { get; init; }
}
