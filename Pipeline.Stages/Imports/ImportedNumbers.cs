using System.Globalization;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Imports;

/// <summary>Numbers of a row as a shard holds them: negated, and kept inside float16's finite range.</summary>
internal static class ImportedNumbers
{
    /// <summary>A number above it is a mistake, not a log-probability; below it, rounding.</summary>
    private const double Largest = 1e-3;

    /// <summary>The largest float16: no mass at all.</summary>
    private const float Impossible = 65504;

    /// <param name="id">Of the row.</param>
    /// <param name="row">What was read.</param>
    /// <param name="lead">Tokens in front that have no numbers: 1 where there is a prompt.</param>
    /// <param name="knowledge">What the row's bounds are.</param>
    /// <exception cref="RejectedException">A number is missing, or no log-probability.</exception>
    public static TeacherScores Of(DocumentId id, ScoredRow row, int lead, BoundaryKnowledge knowledge)
    {
        // The first token of a sequence has no score, whatever the file says.
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

        // What follows a prompt is not known; for a null the caller says what replaces it.
        float[] Masses(double?[] values, float? forNull)
            => [.. Enumerable.Repeat(forNull ?? Impossible, lead), .. values.Select((value, i) => value is null && forNull is { } unknown ? unknown : Stored(value, id, "boundary mass", i))];
    }

    private static float Stored(double? logProbability, DocumentId id, string what, int token) => logProbability is { } value && double.IsFinite(value) && value <= Largest
        ? Math.Clamp(-(float)value, 0, Impossible)
        : throw new RejectedException(id, ImportRejects.NoLogProbability, string.Create(
            CultureInfo.InvariantCulture, $"the {what} at token {token} is {(logProbability is { } found ? $"{found:G6}" : "null")}"));
}
