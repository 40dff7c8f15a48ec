using Pipeline.Contracts.Records;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Hypernetworks.Sampling;
using Pipeline.Stages.Objectives;

namespace Pipeline.Stages.HypernetworkTraining;

/// <summary>A batch under a step's tokenizer. Token ids are rows of <paramref name="Forms"/>: only part of the vocabulary is predicted.</summary>
/// <param name="Examples">Retokenized and aligned again.</param>
/// <param name="Tables">What the objectives read of them.</param>
/// <param name="Forms">[R] of the tokens that occur and of others.</param>
/// <param name="Boundary">[R] which of them begin a new pretoken.</param>
/// <param name="Kind">What the tokenizer is.</param>
/// <param name="VocabularySize">Of the whole tokenizer.</param>
/// <param name="Dropped">Examples of the batch that could not be cut by it, by reason.</param>
/// <param name="Next">Where the example after the batch stands.</param>
internal sealed record SampledBatch(
    Example[] Examples, BatchTables? Tables, SurfaceForms Forms, bool[] Boundary, SampledKind Kind, int VocabularySize, IReadOnlyDictionary<string, int> Dropped, StreamPosition Next);
