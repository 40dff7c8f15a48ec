namespace Pipeline.Stages.Documents;

/// <summary>Alignment has nothing to choose: there is one smallest set of chunks.</summary>
public sealed record AlignOptions;
