using System.Globalization;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>Turns a server's numbers into those that shards hold.</summary>
internal static class ServerNumbers
{
    /// <summary>The scores of a row, with the boundary masses, bounds on them, or neither, by what the definition asks for.</summary>
    /// <param name="server">[n + 1] the server's numbers for the row and for one more id after it.</param>
    /// <param name="count">n, the number of tokens in the row.</param>
    /// <param name="definition">What the server was asked for.</param>
    /// <param name="vocabulary">The number of tokens in a whole distribution.</param>
    /// <exception cref="ServerAnswerException">
    /// Listed probabilities sum to more than 1, or the whole distribution was asked for and a list is shorter.
    /// </exception>
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
            // If the whole distribution is listed, its sum differs from 1 only by rounding, and is divided out.
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
