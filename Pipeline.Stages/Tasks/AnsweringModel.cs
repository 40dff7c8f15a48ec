using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Stages.Tasks;

/// <summary>A model that answers questions, or an ensemble that answers as one model.</summary>
/// <param name="Name">Its name in reports.</param>
/// <param name="Places">Its members: one, or several of an ensemble.</param>
/// <param name="Averaging">How the members are averaged.</param>
/// <param name="IsUnlike">Whether the members have different tokenizers. They then answer byte by byte.</param>
internal sealed record AnsweringModel(string Name, IReadOnlyList<ModelPlace> Places, Averaging Averaging, bool IsUnlike);
