using System.Globalization;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>A server's numbers as a shard holds them.</summary>
internal static class ServerNumbers
{
    /// <param name="server">For the row's ids and one more after them.</param>
    /// <param name="count">Ids of the row.</param>
    /// <param name="definition">What was asked for.</param>
    /// <param name="vocabulary">Tokens that a whole distribution has.</param>
    /// <exception cref="ServerAnswerException">What was listed is not of one distribution, or not whole.</exception>
    public static TeacherScores Of(ServerScores server, int count, OpenAiTeacherDefinition definition, int vocabulary)
    {
        var likelihood = new float[count];
        float[] lower = new float[count], upper = new float[count];
        for (int t = 0; t < count; t++)
        {
            ListedMass after = server.Before[t + 1];
            if (after.All > 1 + ListedMass.Slack)
                throw new ServerAnswerException(string.Create(CultureInfo.InvariantCulture, $"the probabilities listed at position {t + 1} sum to {after.All:G6}"));
            if (definition.WholeDistribution && after.Count < vocabulary)
                throw new ServerAnswerException($"position {t + 1} lists {after.Count} tokens of {vocabulary}; let the server list them all (vllm: --max-logprobs -1), or set wholeDistribution to false");
            // Where all is known, what the listing leaves over or has too much is rounding, and is divided out.
            (double least, double most) = definition.WholeDistribution ? (after.Whole, after.Whole) : after.Bounds;
            (lower[t], upper[t]) = (Stored(Math.Log(least)), Stored(Math.Log(most)));
            if (t > 0)
                likelihood[t] = Stored(server.LogLikelihood[t]);
        }
        if (definition.WholeDistribution)
            return new TeacherScores(likelihood, lower);
        return new TeacherScores(likelihood, null) { Interval = definition.Top > 0 ? new BoundaryInterval(lower, upper) : null };
    }

    private static float Stored(double logProbability) => (float)Math.Clamp(-logProbability, 0, (double)Half.MaxValue);
}
