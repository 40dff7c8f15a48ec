using Pipeline.Contracts.Stages;

namespace Pipeline.Contracts.Teachers;

/// <summary>What a teacher can say, and how it may be asked.</summary>
/// <param name="Abilities">What it can say.</param>
/// <param name="Shape">The sizes of the model; null if the backend does not tell them.</param>
/// <param name="Repeatable">Whether the same request gives the same bits on the same machine.</param>
/// <param name="MostInFlight">How many requests may be in progress at once; at least 1.</param>
/// <param name="MostTokens">
/// The most tokens of one request, counted as rows times the length of the longest row; null if only memory limits them.
/// </param>
public sealed record TeacherFacts(TeacherAbilities Abilities, TeacherShape? Shape, bool Repeatable, int MostInFlight = 1, long? MostTokens = null);

/// <summary>A teacher that can estimate, for <c>alm check</c>, what scoring will cost.</summary>
public interface IPlannedTeacher
{
    /// <summary>Estimates the cost without asking the model anything.</summary>
    /// <param name="documents">The number of rows expected; null if it is unknown.</param>
    /// <param name="tokens">The number of tokens expected; null if it is unknown.</param>
    IReadOnlyList<PlanLine> Plan(long? documents, double? tokens);
}

/// <summary>The sizes of a teacher's model.</summary>
/// <param name="Layers">L, the number of layers. Hidden states are numbered from 0, the output of the embedding, to L.</param>
/// <param name="HiddenSize">H, the size of a hidden state.</param>
public sealed record TeacherShape(int Layers, int HiddenSize);
