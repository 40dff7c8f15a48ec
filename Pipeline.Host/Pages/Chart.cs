using System.Text.Json;

namespace Pipeline.Host.Pages;

/// <summary>Writes a chart of lines over steps. The script of the page draws it. A table below has the figures, for those who cannot see the picture.</summary>
internal static class Chart
{
    private static readonly JsonSerializerOptions Layout = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static void Write(HtmlWriter html, ChartData chart) => html.Element("figure", () =>
    {
        html.Element("figcaption", chart.Caption);
        html.Element("div", () => { }, ("class", "plot"), ("role", "img"), ("aria-label", chart.Caption));
        // The serializer escapes '<', so no text of a run can end the script.
        html.Raw($"<script type=\"application/json\">{JsonSerializer.Serialize(chart, Layout)}</script>");
        html.Element("details", () =>
        {
            html.Element("summary", "The figures");
            html.Table(chart.Caption, chart.Rows());
        });
    }, ("class", "chart"));
}
