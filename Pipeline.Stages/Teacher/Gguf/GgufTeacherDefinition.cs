using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>The keys of a teacher that llama.cpp computes (backend <c>gguf</c>).</summary>
internal sealed record GgufTeacherDefinition : TeacherDefinition, IValidatableObject
{
    public const string Name = "gguf";

    public override string Backend => Name;

    [Description("A GGUF file, of any architecture that llama.cpp loads, quantized or not. run:NAME is one this run exported.")]
    public override required string Model { get; init; }

    [Description("The tokenizer of that model: a folder or a tokenizer.json. Absent: rebuilt from the file's metadata, if that is possible.")]
    public override string? Tokenizer { get; init; }

    [Description("Tokens of a document that are computed together; memory for logits is that many times the vocabulary. It does not change results.")]
    [Range(8, 65_536)]
    public int ChunkTokens { get; init; } = 256;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Device is not null)
            yield return new ValidationResult("'teacher.device' applies only to a teacher in this process; leave it out", [nameof(Device)]);
        if (Edit is not null)
            yield return new ValidationResult("'teacher.edit': activations in another process cannot be edited; leave it out, or name a Hugging Face folder", [nameof(Edit)]);
    }
}
