using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

using Pipeline.Stages.Chat;

namespace Pipeline.Stages.Documents;

internal sealed record TokenizeOptions : IValidatableObject
{
    [Description("Most tokens of a document under the teacher's tokenizer, bos and eos included.")]
    [Range(16, 1_048_576)]
    public int MaxTeacherTokens { get; init; } = 512;

    [Description("Most tokens of a document under the student's tokenizer, bos and eos included. Absent: four times maxTeacherTokens.")]
    [Range(16, 4_194_304)]
    public int? MaxStudentTokens { get; init; }

    [Description("What happens to longer documents: split (into several, where both sides have a token boundary), cut (after the first such part), or reject.")]
    public LongDocuments LongDocuments { get; init; } = LongDocuments.Split;

    [Description("Begin with each side's bos token, if its tokenizer has one. Every part of a long document begins so.")]
    public bool AddBos { get; init; } = true;

    [Description("End with each side's eos token, if its tokenizer has one. It goes where the document ends: not after a part that continues in the next one, nor where a document was cut.")]
    public bool AddEos { get; init; } = true;

    [Description("What counts in the loss: all, assistant (the assistant turns of a conversation), or marker (what follows lossMarker). Absent: assistant for conversations, all for text.")]
    public LossOn? LossOn { get; init; }

    [Description("With lossOn marker: the loss counts after the first occurrence of this text; in a conversation, after its first occurrence in each assistant turn.")]
    public string? LossMarker { get; init; }

    [Description("The day (such as 2024-07-26) for chat templates that write today's date. Absent: they get no date, and use a fixed one of their own or are refused, so that a run does not depend on the day.")]
    public string? TemplateDate { get; init; }

    /// <summary>The student's limit, which has a default of its own.</summary>
    internal int StudentLimit => MaxStudentTokens ?? 4 * MaxTeacherTokens;

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext) => TokenizationRule.Faults(LossOn, LossMarker, TemplateDate);
}
