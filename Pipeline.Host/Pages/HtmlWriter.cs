using System.Globalization;
using System.Net;
using System.Text;

namespace Pipeline.Host.Pages;

/// <summary>Writes HTML. All texts and attributes are escaped; only <see cref="Raw"/> takes markup as it is.</summary>
internal sealed class HtmlWriter
{
    private readonly StringBuilder _html = new();

    /// <summary>Writes an element around what <paramref name="content"/> writes.</summary>
    /// <param name="name">The name of the element, such as "section".</param>
    /// <param name="content">Writes what is inside.</param>
    /// <param name="attributes">The names and values of attributes. An attribute whose value is null is left out.</param>
    public void Element(string name, Action content, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Open(name, attributes);
        content();
        _html.Append(CultureInfo.InvariantCulture, $"</{name}>");
    }

    /// <summary>Writes an element around a text.</summary>
    public void Element(string name, string text, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        Open(name, attributes);
        Text(text);
        _html.Append(CultureInfo.InvariantCulture, $"</{name}>");
    }

    public void Text(string text) => _html.Append(WebUtility.HtmlEncode(text));

    /// <summary>Writes markup without escaping it. Never pass text that comes from a run.</summary>
    public void Raw(string markup) => _html.Append(markup);

    /// <summary>Writes a section of the page, which can be linked to by its id.</summary>
    public void Section(string id, string title, Action content) => Element("section", () =>
    {
        Element("h2", title);
        content();
    }, ("id", id));

    /// <summary>Writes a table.</summary>
    /// <param name="caption">The text above the table.</param>
    /// <param name="rows">The rows, of which the first is the header.</param>
    /// <param name="figures">Whether the columns after the first are figures.</param>
    public void Table(string caption, IReadOnlyList<IReadOnlyList<string>> rows, bool figures = true) => Element("div", () => Element("table", () =>
    {
        Element("caption", caption);
        Element("thead", () => Element("tr", () =>
        {
            foreach (string cell in rows[0])
                Element("th", cell, ("scope", "col"));
        }));
        Element("tbody", () =>
        {
            foreach (IReadOnlyList<string> row in rows.Skip(1))
            {
                Element("tr", () =>
                {
                    Element("th", row[0], ("scope", "row"));
                    foreach (string cell in row.Skip(1))
                        Element("td", cell, ("class", figures ? "figure" : null));
                });
            }
        });
    }), ("class", "table"), ("tabindex", "0"), ("role", "region"), ("aria-label", caption));

    public override string ToString() => _html.ToString();

    private void Open(string name, ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        _html.Append('<').Append(name);
        foreach ((string attribute, string? value) in attributes)
        {
            if (value is not null)
                _html.Append(CultureInfo.InvariantCulture, $" {attribute}=\"{WebUtility.HtmlEncode(value)}\"");
        }
        _html.Append('>');
    }
}
