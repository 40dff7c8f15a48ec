using System.Globalization;
using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>Estimates what scoring by a server will cost: requests, bytes, money and time, as far as the definition has the figures for it.</summary>
internal static class ServerPlan
{
    private const int BytesPerListedToken = 60;

    /// <summary>The lines of the plan.</summary>
    /// <param name="teacher">The definition's keys.</param>
    /// <param name="vocabulary">The number of tokens in a whole distribution.</param>
    /// <param name="documents">The number of documents expected; null if it is unknown.</param>
    /// <param name="tokens">The number of tokens expected; null if it is unknown.</param>
    public static IReadOnlyList<PlanLine> Of(OpenAiTeacherDefinition teacher, int vocabulary, long? documents, double? tokens)
    {
        List<PlanLine> lines = [new PlanLine("in flight", teacher.InFlight, PlanUnit.Count, "requests at once")];
        if (teacher.RequestsPerMinute is { } rate)
            lines.Add(new PlanLine("rate", rate, PlanUnit.Count, "most requests per minute, retries included"));
        if (documents is { } rows)
            lines.Add(new PlanLine("requests", rows, PlanUnit.Count, "one for every document, and three probes at the start and end of every part"));
        if (tokens is { } most)
        {
            int listed = teacher.WholeDistribution ? vocabulary : teacher.Top;
            lines.Add(new PlanLine("received", most * (1 + listed) * BytesPerListedToken, PlanUnit.Bytes, string.Create(
                CultureInfo.InvariantCulture, $"about: JSON of {listed} listed tokens after each{(teacher.WholeDistribution ? "; the whole distribution is a lot to send, top with bounds is not" : "")}")));
            if (teacher.PricePerMillionTokens is { } price)
                lines.Add(new PlanLine("cost", most / 1e6 * price, PlanUnit.Count, "at most, by pricePerMillionTokens, in its currency; retries come on top"));
        }
        double? byRate = documents is not null && teacher.RequestsPerMinute is { } perMinute ? documents.Value * 60.0 / perMinute : null;
        double? bySpeed = tokens is not null && teacher.TokensPerSecond is { } perSecond ? tokens.Value / perSecond : null;
        if (byRate is not null || bySpeed is not null)
            lines.Add(new PlanLine("time", Math.Max(byRate ?? 0, bySpeed ?? 0), PlanUnit.Seconds, byRate > (bySpeed ?? 0) ? "by requestsPerMinute" : "by tokensPerSecond"));
        return lines;
    }
}
