using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Objectives;

/// <summary>The objectives of a training run. Those that are given are used.</summary>
internal sealed record ObjectivesOptions
{
    [Description("Approximate Likelihood Matching; reads teacher scores from the shards.")]
    public AlmOptions? Alm { get; init; }

    [Description("Next-token cross-entropy on the text.")]
    public SftOptions? Sft { get; init; }

    [Description("Divergence from the teacher's next bytes at every byte, for students of bytes; reads them from the shards (score-teacher.bytes).")]
    public BytesOptions? Bytes { get; init; }

    [Description("Experimental: the same for students of longer tokens, at every byte of each next token.")]
    public BytesOptions? SubwordBytes { get; init; }

    [Description("Hidden-state alignment at chunk ends; reads teacher hidden states from the shards, or runs the teacher alongside the student.")]
    public LatentsOptions? Latents { get; init; }

    [Description("Baseline: dual-space knowledge distillation with cross-model attention; runs the teacher alongside the student.")]
    public DskdOptions? Dskd { get; init; }

    [Description("Baseline: universal logit distillation over sorted probabilities; runs the teacher alongside the student.")]
    public UldOptions? Uld { get; init; }

    [Description("Baseline: MinED, logits of the nearest token by edit distance; runs the teacher alongside the student.")]
    public MinedOptions? Mined { get; init; }

    /// <summary>Checks that concern several keys at once.</summary>
    /// <param name="member">The name of the property that holds this record.</param>
    /// <param name="key">The key of that property in definitions.</param>
    internal IEnumerable<ValidationResult> Faults(string member, string key)
    {
        if (!ObjectiveTable.Of(this).Any())
            yield return new ValidationResult($"'{key}': none is given; expected at least one of {string.Join(", ", ObjectiveTable.All.Select(row => row.Name))}", [member]);
        if (Alm is { Chunks: ChunkKind.Unbiased, Bias: null })
            yield return new ValidationResult($"'{key}.alm.chunks' is unbiased, which needs '{key}.alm.bias': the file that a compute-bias stage wrote", [$"{member}.{nameof(Alm)}.{nameof(AlmOptions.Chunks)}"]);
        foreach (ValidationResult fault in Latents?.Faults($"{member}.{nameof(Latents)}", $"{key}.latents") ?? [])
            yield return fault;
    }

    /// <summary>What the objectives ask of a teacher. Keys begin with the objective's name.</summary>
    public IEnumerable<TeacherNeed> TeacherNeeds => ObjectiveTable.Of(this).SelectMany(row => row.Asks(this));
}
