using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Documents;

namespace Pipeline.Stages.Imports;

/// <summary>What <c>import-scores</c> may be told: where the scores are, and what their fields are called.</summary>
internal sealed record ImportScoresOptions : IValidatableObject
{
    [Description("JSON Lines (plain, .gz or .zst) or, where the first name ends with .parquet, Parquet files, in this order. * and ? stand for characters of a name, ** for folders. run:NAME is below the run folder.")]
    public required IReadOnlyList<string> Files { get; init; }

    [Description("The field of the text that the tokens spell. In this key and those below, a dot leads into an object (a struct), or into every object of a list.")]
    public string Text { get; init; } = "text";

    [Description("The field of text that the teacher read before it and did not score: a prompt. The student reads it too; nothing of it counts in the loss. Absent: there is none.")]
    public string? Prompt { get; init; }

    [Description("Instead of prompt: the field of the conversation that the text answers, a list of objects with role and content. The student reads it by its chat template.")]
    public string? Messages { get; init; }

    [Description("The day (2024-07-26) that chat templates which write today's date are given. Absent: they have no date, and use their own or are refused.")]
    public string? TemplateDate { get; init; }

    [Description("The field of a list of token ids of the teacher. Absent: tokens are known by their bytes alone, which is enough for the alignment.")]
    public string? Ids { get; init; }

    [Description("The field of a list of the tokens' bytes: of each token a list of numbers or a string, in Parquet a binary or a string; null or empty is a mark (bos, eos). Absent: 'ids' and 'tokenizer' say them.")]
    public string? Bytes { get; init; }

    [Description("The field of a list of log p(token | tokens before), natural logarithms. That of the first token of a text without a prompt is not used and may be null.")]
    public string LogLikelihood { get; init; } = "logLikelihoods";

    [Description("The field of a list of the log mass of boundary tokens (those that begin with a space, a line feed or a tab, and special tokens) after each token. Absent: it is not known.")]
    public string? Boundary { get; init; }

    [Description("Instead of boundary: the field of a list of lower bounds on that log mass; null: nothing is known.")]
    public string? BoundaryLower { get; init; }

    [Description("The field of a list of upper bounds on it, beside boundaryLower.")]
    public string? BoundaryUpper { get; init; }

    [Description("The teacher's tokenizer, a folder or a tokenizer.json: ids are then checked against it. Absent: they are taken as they are.")]
    public string? Tokenizer { get; init; }

    [Description("A name for what made the scores, such as a model and its date. Kept in the shards.")]
    public string? Model { get; init; }

    [Description("Rows to leave out at the beginning, counted over all files.")]
    [Range(0L, long.MaxValue)]
    public long SkipRows { get; init; }

    [Description("Rows to read after those; 0 reads all.")]
    [Range(0L, long.MaxValue)]
    public long MaxRows { get; init; }

    [Description("A longer line is rejected and counted, without being held in memory.")]
    [Range(2, 1 << 29)]
    public int MaxLineBytes { get; init; } = 64 << 20;

    [Description("A document of more teacher tokens is rejected and counted.")]
    [Range(16, 1_048_576)]
    public int MaxTeacherTokens { get; init; } = 512;

    [Description("A document of more student tokens, bos and eos included, is rejected and counted; four times maxTeacherTokens when absent.")]
    [Range(16, 4_194_304)]
    public int? MaxStudentTokens { get; init; }

    [Description("Begin with the student's bos token where its tokenizer has one.")]
    public bool AddBos { get; init; } = true;

    [Description("End with the student's eos token where its tokenizer has one.")]
    public bool AddEos { get; init; } = true;

    /// <summary>What holds where maxStudentTokens is not given.</summary>
    internal int StudentLimit => MaxStudentTokens ?? 4 * MaxTeacherTokens;

    internal bool IsParquet => Files is [var first, ..] && first.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase);

    /// <summary>What the scores know of the boundary mass.</summary>
    internal BoundaryKnowledge Knowledge => Boundary is not null ? BoundaryKnowledge.Exact : BoundaryLower is not null ? BoundaryKnowledge.Interval : BoundaryKnowledge.None;

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext)
    {
        if (Bytes is null && (Ids is null || Tokenizer is null))
            yield return new ValidationResult("'bytes' is not given; name the field of the tokens' bytes, or that of their 'ids' and the teacher's 'tokenizer'", [Ids is null ? nameof(Bytes) : nameof(Ids)]);
        if (Prompt is not null && Messages is not null)
            yield return new ValidationResult("'prompt' is given, and 'messages' too; give the one or the other", [nameof(Messages)]);
        foreach (ValidationResult fault in TokenizationRule.Faults(null, null, TemplateDate))
            yield return fault;
        if (Tokenizer is not null && Ids is null)
            yield return new ValidationResult("'tokenizer' checks ids, and 'ids' is not given; name the field of ids, or leave tokenizer out", [nameof(Tokenizer)]);
        if ((BoundaryLower is null) != (BoundaryUpper is null))
            yield return new ValidationResult("'boundaryLower' and 'boundaryUpper' go together; give both or none", [BoundaryLower is null ? nameof(BoundaryUpper) : nameof(BoundaryLower)]);
        if (Boundary is not null && BoundaryLower is not null)
            yield return new ValidationResult("'boundary' is given, and bounds on it too; give the one or the other", [nameof(BoundaryLower)]);
    }
}
