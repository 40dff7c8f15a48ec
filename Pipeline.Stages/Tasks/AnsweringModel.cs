using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Stages.Tasks;

/// <summary>One who answers: a model, or several as one.</summary>
/// <param name="Name">In reports.</param>
/// <param name="Places">Of the members.</param>
/// <param name="Averaging">How they become one.</param>
/// <param name="IsUnlike">Whether they have several tokenizers: they answer byte by byte.</param>
internal sealed record AnsweringModel(string Name, IReadOnlyList<ModelPlace> Places, Averaging Averaging, bool IsUnlike);
