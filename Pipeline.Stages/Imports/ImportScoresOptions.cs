using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Documents;

namespace Pipeline.Stages.Imports;

/// <summary>The options of the stage <c>import-scores</c>: where the scores are, and what their fields are called.</summary>
internal sealed record ImportScoresOptions : IValidatableObject
{
    [Description("JSON Lines files (plain, .gz or .zst) or, if the first name ends with .parquet, Parquet files, read in this order. * and ? stand for characters of a name, ** for folders. run:NAME is inside the run folder.")]
    public required IReadOnlyList<string> Files { get; init; }

    [Description("The field of the text that the tokens spell. In this key and those below, a dot leads into an object (a struct), or into every object of a list.")]
    public string Text { get; init; } = "text";

    [Description("The field of the prompt: text that the teacher read before the scored text. The student reads it too, and it does not count in the loss. Absent: there is no prompt.")]
    public string? Prompt { get; init; }

    [Description("Instead of prompt: the field of the conversation that the text answers, a list of objects with role and content. The student reads it by its chat template.")]
    public string? Messages { get; init; }

    [Description("The day (such as 2024-07-26) for chat templates that write today's date. Absent: they get no date, and use a fixed one of their own or are refused.")]
    public string? TemplateDate { get; init; }

    [Description("The field of a list of token ids of the teacher. Absent: tokens are known only by their bytes, which is enough for the alignment.")]
    public string? Ids { get; init; }

    [Description("The field of a list of the tokens' bytes: for each token a list of numbers or a string, in Parquet a binary or a string. Null or empty stands for a special token (bos, eos). Absent: 'ids' and 'tokenizer' determine them.")]
    public string? Bytes { get; init; }

    [Description("The field of a list of log p(token | tokens before), natural logarithms. That of the first token of a text without a prompt is not used and may be null.")]
    public string LogLikelihood { get; init; } = "logLikelihoods";

    [Description("The field of a list of the log mass of boundary tokens (those that begin with a space, a line feed or a tab, and special tokens) after each token. Absent: it is unknown.")]
    public string? Boundary { get; init; }

    [Description("Instead of boundary: the field of a list of lower bounds on that log mass; null means that nothing is known.")]
    public string? BoundaryLower { get; init; }

    [Description("With boundaryLower: the field of a list of upper bounds on it.")]
    public string? BoundaryUpper { get; init; }

    [Description("The teacher's tokenizer, a folder or a tokenizer.json: ids are then checked against it. Absent: they are not checked.")]
    public string? Tokenizer { get; init; }

    [Description("A name for the source of the scores, such as a model and its date. The shards keep it.")]
    public string? Model { get; init; }

    [Description("Rows to skip at the beginning, counted over all files.")]
    [Range(0L, long.MaxValue)]
    public long SkipRows { get; init; }

    [Description("Rows to read after those; 0 reads all.")]
    [Range(0L, long.MaxValue)]
    public long MaxRows { get; init; }

    [Description("A longer line is rejected and counted, without being read into memory.")]
    [Range(2, 1 << 29)]
    public int MaxLineBytes { get; init; } = 64 << 20;

    [Description("A document of more teacher tokens is rejected and counted.")]
    [Range(16, 1_048_576)]
    public int MaxTeacherTokens { get; init; } = 512;

    [Description("A document of more student tokens, bos and eos included, is rejected and counted. Absent: four times maxTeacherTokens.")]
    [Range(16, 4_194_304)]
    public int? MaxStudentTokens { get; init; }

    [Description("Begin with the student's bos token, if its tokenizer has one.")]
    public bool AddBos { get; init; } = true;

    [Description("End with the student's eos token, if its tokenizer has one.")]
    public bool AddEos { get; init; } = true;

    /// <summary>The limit on student tokens: the given one, or four times that on teacher tokens.</summary>
    internal int StudentLimit => MaxStudentTokens ?? 4 * MaxTeacherTokens;

    internal bool IsParquet => Files is [var first, ..] && first.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase);

    /// <summary>How much the scores say about the boundary mass.</summary>
    internal BoundaryKnowledge Knowledge => Boundary is not null ? BoundaryKnowledge.Exact : BoundaryLower is not null ? BoundaryKnowledge.Interval : BoundaryKnowledge.None;

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext)
    {
        if (Bytes is null && (Ids is null || Tokenizer is null))
            yield return new ValidationResult("'bytes' is not given; name the field of the tokens' bytes, or give 'ids' and the teacher's 'tokenizer'", [Ids is null ? nameof(Bytes) : nameof(Ids)]);
        if (Prompt is not null && Messages is not null)
            yield return new ValidationResult("'prompt' and 'messages' are both given; give one of them", [nameof(Messages)]);
        foreach (ValidationResult fault in TokenizationRule.Faults(null, null, TemplateDate))
            yield return fault;
        if (Tokenizer is not null && Ids is null)
            yield return new ValidationResult("'tokenizer' checks ids, but 'ids' is not given; name the field of ids, or leave 'tokenizer' out", [nameof(Tokenizer)]);
        if ((BoundaryLower is null) != (BoundaryUpper is null))
            yield return new ValidationResult("'boundaryLower' and 'boundaryUpper' go together; give both or neither", [BoundaryLower is null ? nameof(BoundaryUpper) : nameof(BoundaryLower)]);
        if (Boundary is not null && BoundaryLower is not null)
            yield return new ValidationResult("'boundary' and bounds on it are both given; give one or the other", [nameof(BoundaryLower)]);
    }
}
