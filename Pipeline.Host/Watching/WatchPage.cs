using Pipeline.Host.Pages;

namespace Pipeline.Host.Watching;

/// <summary>The page of a run in progress. Its script asks for a <see cref="WatchView"/> again and again, and fills the page from it.</summary>
internal static class WatchPage
{
    public static string Of(WatchedFacts run) => Page.Write(
        $"Run {run.Status.Name}", [("flows", "Flows"), ("learning", "Learning"), ("rejects", "Rejects"), ("errors", "Errors")],
        html =>
        {
            html.Element("p", "Loading…", ("id", "state"), ("role", "status"));
            html.Raw("<noscript><p>This page needs JavaScript; <code>alm status</code> shows the same in a terminal.</p></noscript>");
            html.Element("ul", () => { }, ("class", "cards"), ("id", "cards"));
            foreach ((string id, string title) in new[] { ("flows", "Flows"), ("learning", "Learning"), ("rejects", "Rejects"), ("errors", "Errors") })
                html.Section(id, title, () => html.Element("div", () => { }, ("class", "filled")));
            html.Element("p", run.Folder, ("class", "note"));
        },
        "watch.js");
}
