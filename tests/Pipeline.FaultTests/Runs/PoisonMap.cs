using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.FaultTests.Runs;

/// <summary>A stage with a defect: it fails on documents that say so.</summary>
internal sealed class PoisonMap : IMap<TextDocument, TextDocument>
{
    public static StageRegistration Stage { get; } = StageRegistration.Map<PoisonOptions, TextDocument, TextDocument, PoisonMap>(
        "poison", "Fails on documents that hold the word poison.", (_, _) => new PoisonMap());

    public IReadOnlyList<TextDocument> Map(TextDocument document)
        => document.Text.Contains("poison", StringComparison.Ordinal) ? throw new InvalidOperationException("planted") : [document];
}

public sealed record PoisonOptions;
