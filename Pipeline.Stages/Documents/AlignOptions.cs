namespace Pipeline.Stages.Documents;

/// <summary>None.</summary>
internal sealed record AlignOptions;
