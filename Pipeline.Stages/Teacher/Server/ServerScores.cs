namespace Pipeline.Stages.Teacher.Server;

/// <summary>What a server said about the n ids that it was sent.</summary>
/// <param name="LogLikelihood">[n] log p(id i | the ids before it), in natural logarithms. Entry 0 means nothing.</param>
/// <param name="Before">[n] what the server listed of the distribution over id i, given the ids before it. Entry 0 is empty.</param>
internal sealed record ServerScores(double[] LogLikelihood, ListedMass[] Before);

/// <summary>An answer is not what was asked for. The message says what is wrong, and where in the answer.</summary>
internal sealed class ServerAnswerException(string message) : Exception(message);
