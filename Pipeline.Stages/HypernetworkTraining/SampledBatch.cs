using Pipeline.Contracts.Records;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Hypernetworks.Sampling;
using Pipeline.Stages.Objectives;

namespace Pipeline.Stages.HypernetworkTraining;

/// <summary>
/// A batch under the tokenizer of a step. Only part of the vocabulary is predicted, so token ids are row numbers of <paramref name="Forms"/>. R rows.
/// </summary>
/// <param name="Examples">The examples, tokenized and aligned again.</param>
/// <param name="Tables">What the objectives read of the examples; null where there are none.</param>
/// <param name="Forms">[R] the surface forms of the tokens that occur, and of others.</param>
/// <param name="Boundary">[R] which of these tokens are boundary tokens.</param>
/// <param name="Kind">The kind of the tokenizer.</param>
/// <param name="VocabularySize">The number of ids of the whole tokenizer.</param>
/// <param name="Dropped">How many examples could not be tokenized, by reason.</param>
/// <param name="Next">Where the order of examples continues after the batch.</param>
internal sealed record SampledBatch(
    Example[] Examples, BatchTables? Tables, SurfaceForms Forms, bool[] Boundary, SampledKind Kind, int VocabularySize, IReadOnlyDictionary<string, int> Dropped, StreamPosition Next);
