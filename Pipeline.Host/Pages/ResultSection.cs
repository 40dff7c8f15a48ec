using System.Globalization;
using Pipeline.Host.Comparison;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Host.Pages;

/// <summary>The results of the models in bits per byte, and what else <c>evaluate</c> found.</summary>
internal static class ResultSection
{
    public static void Write(HtmlWriter html, RunRecord run) => html.Section("result", "Result", () =>
    {
        bool any = false;
        foreach ((string name, EvaluationReport report) in run.Judgements)
        {
            any = true;
            html.Element("h3", name);
            if (report.Gap is { Closed: { } closed } gap)
            {
                html.Element("p", () =>
                {
                    html.Element("span", Figures.Percent(closed), ("class", "big"));
                    html.Text($" of the gap between {gap.Before} and {gap.Teacher} is closed by {gap.After}.");
                });
            }
            html.Table(
                string.Create(CultureInfo.InvariantCulture, $"{report.Documents:N0} documents, {report.Bytes:N0} bytes, {report.Windows:N0} windows of at most {report.WindowBytes:N0} bytes"),
                [EvaluationTable.Header(report), .. EvaluationTable.Rows(report)]);
        }
        if (!any)
            html.Element("p", "No model was judged: the definition has no evaluate stage.", ("class", "note"));
    });

    /// <summary>Writes the results of several runs, with mean and spread.</summary>
    public static void Write(HtmlWriter html, RunComparison comparison) => html.Section("result", "Result", () =>
    {
        foreach (ComparedPart part in comparison.Parts)
        {
            html.Element("h3", part.Name);
            html.Table(string.Join("; ", ComparisonTable.Notes(part, comparison)), ComparisonTable.Rows(part));
        }
        html.Element("ul", () =>
        {
            foreach (string note in ComparisonTable.Notes(comparison))
                html.Element("li", note);
        }, ("class", "note"));
    });
}
