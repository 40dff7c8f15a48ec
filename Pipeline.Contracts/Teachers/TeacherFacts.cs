using Pipeline.Contracts.Stages;

namespace Pipeline.Contracts.Teachers;

/// <summary>What a teacher can say, and how it may be asked.</summary>
/// <param name="Abilities">What it can say.</param>
/// <param name="Shape">Sizes of the model; null if the backend does not give them.</param>
/// <param name="Repeatable">Whether the same request gives the same bits on the same machine.</param>
/// <param name="MostInFlight">Requests that may be in progress at once; at least 1.</param>
/// <param name="MostTokens">Tokens of one request, rows times the longest row; null: what memory holds.</param>
public sealed record TeacherFacts(TeacherAbilities Abilities, TeacherShape? Shape, bool Repeatable, int MostInFlight = 1, long? MostTokens = null);

/// <summary>A teacher that can say what scoring will cost, for <c>check</c>. The model is not asked anything.</summary>
public interface IPlannedTeacher
{
    /// <param name="documents">Rows expected; null when unknown.</param>
    /// <param name="tokens">Tokens expected; null when unknown.</param>
    IReadOnlyList<PlanLine> Plan(long? documents, double? tokens);
}

/// <summary>Sizes of a teacher.</summary>
/// <param name="Layers">Hidden states are numbered 0 (the embedding output) to this.</param>
/// <param name="HiddenSize">Width of a hidden state.</param>
public sealed record TeacherShape(int Layers, int HiddenSize);
