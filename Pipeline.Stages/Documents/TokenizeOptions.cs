using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

using Pipeline.Stages.Chat;

namespace Pipeline.Stages.Documents;

internal sealed record TokenizeOptions : IValidatableObject
{
    [Description("Tokens a document may have under the teacher's tokenizer, bos and eos included.")]
    [Range(16, 1_048_576)]
    public int MaxTeacherTokens { get; init; } = 512;

    [Description("Tokens a document may have under the student's tokenizer, bos and eos included; four times maxTeacherTokens when absent.")]
    [Range(16, 4_194_304)]
    public int? MaxStudentTokens { get; init; }

    [Description("Longer documents: split into several at places where both sides have a token boundary, cut behind the first of them, or reject.")]
    public LongDocuments LongDocuments { get; init; } = LongDocuments.Split;

    [Description("Begin with each side's bos token where its tokenizer has one: every part of a long document does.")]
    public bool AddBos { get; init; } = true;

    [Description("End with each side's eos token where its tokenizer has one. It stands where the document ends: not behind a part that goes on in the next, nor where a document was cut.")]
    public bool AddEos { get; init; } = true;

    [Description("What counts in a loss: all, assistant (turns of a conversation), or marker (what follows lossMarker). Absent: assistant for conversations, all for text.")]
    public LossOn? LossOn { get; init; }

    [Description("With lossOn marker: the loss counts behind the first occurrence of this text, in a conversation behind its first occurrence in each assistant turn.")]
    public string? LossMarker { get; init; }

    [Description("The day (2024-07-26) that chat templates which write today's date are given. Absent: they have no date, and use their own or are refused, so that a run does not depend on the day.")]
    public string? TemplateDate { get; init; }

    /// <summary>What holds where maxStudentTokens is not given.</summary>
    internal int StudentLimit => MaxStudentTokens ?? 4 * MaxTeacherTokens;

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext) => TokenizationRule.Faults(LossOn, LossMarker, TemplateDate);
}
