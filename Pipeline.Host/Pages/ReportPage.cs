using System.Globalization;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Files;

namespace Pipeline.Host.Pages;

/// <summary><c>report.html</c>: the page of a finished run, as a single file that needs no network.</summary>
internal static class ReportPage
{
    public static void Write(IStorage storage, string runFolder, MachineFacts machine, DateTimeOffset now)
    {
        string page = Of(RunRecord.Read(storage, runFolder), machine, now);
        storage.WriteAtomically(Path.Combine(Path.GetFullPath(runFolder), RunFiles.Page), stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(page)));
    }

    public static string Of(RunRecord run, MachineFacts machine, DateTimeOffset now) => Page.Write(
        $"Run {run.Name}",
        [("result", "Result"), ("tasks", "Tasks"), ("learning", "Learning"), ("texts", "Texts"), ("data", "Data"), ("cost", "Cost"), ("definition", "Definition")],
        html =>
        {
            ResultSection.Write(html, run);
            TaskSection.Write(html, run);
            CurveSection.Write(html, run);
            TextSection.Write(html, run);
            DataSection.Write(html, run);
            CostSection.Write(html, run, machine);
            html.Section("definition", "What was run", () =>
            {
                html.Element("p", string.Create(CultureInfo.InvariantCulture,
                    $"Definition {run.Report["definition"]}, seed {run.Report["seed"]}. Page written {now:yyyy-MM-dd HH:mm} UTC by {machine.Program}."), ("class", "note"));
                html.Element("details", () =>
                {
                    html.Element("summary", "The definition, defaults filled in");
                    html.Element("pre", run.Definition, ("tabindex", "0"));
                });
            });
        });
}
