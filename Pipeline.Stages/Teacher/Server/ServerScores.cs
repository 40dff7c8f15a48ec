namespace Pipeline.Stages.Teacher.Server;

/// <summary>What a server said of the n ids it was sent.</summary>
/// <param name="LogLikelihood">[n] log p(id i | ids before i); entry 0 means nothing.</param>
/// <param name="Before">[n] what was listed of the distribution that id i was drawn from; nothing at entry 0.</param>
internal sealed record ServerScores(double[] LogLikelihood, ListedMass[] Before);

/// <summary>An answer that is not what was asked for: the message says where and what.</summary>
internal sealed class ServerAnswerException(string message) : Exception(message);
