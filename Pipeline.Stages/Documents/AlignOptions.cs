namespace Pipeline.Stages.Documents;

/// <summary>The options of <c>align</c>; there are none.</summary>
internal sealed record AlignOptions;
