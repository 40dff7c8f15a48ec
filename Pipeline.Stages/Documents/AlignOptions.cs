namespace Pipeline.Stages.Documents;

/// <summary>None.</summary>
public sealed record AlignOptions;
