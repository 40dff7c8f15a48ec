using System.Globalization;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Imports;

/// <summary>Converts the numbers of a row to what a shard stores: negated, and clamped to the finite range of float16.</summary>
internal static class ImportedNumbers
{
    /// <summary>The largest number that is taken for a log-probability. Between 0 and this, it is a 0 with rounding; above, it is a mistake.</summary>
    private const double Largest = 1e-3;

    /// <summary>The largest finite float16, which stands for no mass at all.</summary>
    private const float Impossible = 65504;

    /// <summary>The scores of a row.</summary>
    /// <param name="id">The row's id.</param>
    /// <param name="row">The row.</param>
    /// <param name="lead">How many tokens in front have no numbers: 1 where there is a prompt, else 0.</param>
    /// <param name="knowledge">What the row says about the boundary mass: nothing, the mass itself, or bounds on it.</param>
    /// <exception cref="RejectedException">A number is missing or is no log-probability, or a lower bound is above its upper bound.</exception>
    public static TeacherScores Of(DocumentId id, ScoredRow row, int lead, BoundaryKnowledge knowledge)
    {
        // Nothing predicts the first token of a sequence, so it has no score, whatever the file says.
        float[] likelihood = [.. Enumerable.Repeat(0f, lead), .. row.LogLikelihoods.Select((value, i) => lead + i == 0 ? 0 : Stored(value, id, "log-likelihood", i))];
        if (knowledge == BoundaryKnowledge.None)
            return new TeacherScores(likelihood, null);
        if (knowledge == BoundaryKnowledge.Exact)
            return new TeacherScores(likelihood, Masses(row.Lower!, null));
        var bounds = new BoundaryInterval(Masses(row.Lower!, Impossible), Masses(row.Upper!, 0));
        int reversed = bounds.NegLogLower.Zip(bounds.NegLogUpper).ToList().FindIndex(b => b.First < b.Second);
        return reversed < 0 ? new TeacherScores(likelihood, null) { Interval = bounds }
            : throw new RejectedException(id, ImportRejects.Bounds, string.Create(
                CultureInfo.InvariantCulture, $"{-bounds.NegLogLower[reversed]:G6} and {-bounds.NegLogUpper[reversed]:G6} at token {reversed - lead}"));

        // The boundary mass after a prompt is unknown. forNull replaces a null of the file; where it is null itself, a null is refused.
        float[] Masses(double?[] values, float? forNull)
            => [.. Enumerable.Repeat(forNull ?? Impossible, lead), .. values.Select((value, i) => value is null && forNull is { } unknown ? unknown : Stored(value, id, "boundary mass", i))];
    }

    private static float Stored(double? logProbability, DocumentId id, string what, int token) => logProbability is { } value && double.IsFinite(value) && value <= Largest
        ? Math.Clamp(-(float)value, 0, Impossible)
        : throw new RejectedException(id, ImportRejects.NoLogProbability, string.Create(
            CultureInfo.InvariantCulture, $"the {what} at token {token} is {(logProbability is { } found ? $"{found:G6}" : "null")}"));
}
