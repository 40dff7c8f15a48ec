using System.Text.Json;

namespace Pipeline.Host.Pages;

/// <summary>Lines over steps: the page's script draws them; the figures are in a table below, for whoever sees no picture.</summary>
internal static class Chart
{
    private static readonly JsonSerializerOptions Layout = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static void Write(HtmlWriter html, ChartData chart) => html.Element("figure", () =>
    {
        html.Element("figcaption", chart.Caption);
        html.Element("div", () => { }, ("class", "plot"), ("role", "img"), ("aria-label", chart.Caption));
        // No text of a run can end the script: JSON escapes '<'.
        html.Raw($"<script type=\"application/json\">{JsonSerializer.Serialize(chart, Layout)}</script>");
        html.Element("details", () =>
        {
            html.Element("summary", "The figures");
            html.Table(chart.Caption, chart.Rows());
        });
    }, ("class", "chart"));
}
