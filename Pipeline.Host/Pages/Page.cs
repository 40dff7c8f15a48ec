using System.Reflection;

namespace Pipeline.Host.Pages;

/// <summary>Writes a page as a single file. Styles, scripts and charts are inside it, and nothing is fetched.</summary>
internal static class Page
{
    /// <summary>The text of a page.</summary>
    /// <param name="title">The title of the page, which is also its first heading.</param>
    /// <param name="links">The sections of the page: the id of each, and the words of the link to it.</param>
    /// <param name="content">Writes what is inside <c>main</c>.</param>
    /// <param name="script">The asset with a further script for this page. Null if there is none.</param>
    public static string Write(string title, IReadOnlyList<(string Id, string Words)> links, Action<HtmlWriter> content, string? script = null)
    {
        var html = new HtmlWriter();
        html.Raw("<!DOCTYPE html>\n");
        html.Element("html", () =>
        {
            html.Element("head", () =>
            {
                html.Raw("<meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">");
                html.Element("title", title);
                html.Raw($"<style>{Asset("uPlot.min.css")}{Asset("page.css")}</style>");
            });
            html.Element("body", () =>
            {
                html.Element("a", "Skip to the content", ("class", "skip"), ("href", "#main"));
                html.Element("header", () =>
                {
                    html.Element("h1", title);
                    html.Element("nav", () =>
                    {
                        foreach ((string id, string words) in links)
                            html.Element("a", words, ("href", "#" + id));
                    }, ("aria-label", "Parts of this page"));
                });
                html.Element("main", () => content(html), ("id", "main"));
                html.Raw($"<script>{Asset("uPlot.iife.min.js")}</script><script>{Asset("page.js")}</script>");
                if (script is not null)
                    html.Raw($"<script>{Asset(script)}</script>");
            });
        }, ("lang", "en"));
        return html.ToString();
    }

    /// <summary>The text of a file that is embedded in the program.</summary>
    public static string Asset(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"Pipeline.Host.Pages.Assets.{name}")
            ?? throw new InvalidOperationException($"the program has no asset '{name}'");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
