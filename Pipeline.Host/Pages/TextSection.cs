using System.Globalization;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Host.Pages;

/// <summary>The texts on which a model is furthest behind the teacher. Each chunk is coloured by the bits per byte of both.</summary>
internal static class TextSection
{
    /// <summary>The bits per byte at which a colour is strongest.</summary>
    private const double FullColour = 4;

    /// <summary>The most texts of all models together, so that the page stays small.</summary>
    private const int MostTexts = 24;

    public static void Write(HtmlWriter html, RunRecord run) => html.Section("texts", "Texts where they differ most", () =>
    {
        List<DifferingTexts> found = [.. run.Judgements.SelectMany(j => j.Report.Differing ?? []).Where(d => d.Texts.Count > 0)];
        if (found.Count == 0)
        {
            html.Element("p", "There are none: evaluate keeps them where one of its models is named teacher and another is worse than it.", ("class", "note"));
            return;
        }
        int each = Math.Max(1, MostTexts / found.Count);
        html.Element("p", () =>
        {
            html.Text("Upper half: bits per byte of the teacher ");
            html.Element("span", "", ("class", "key t"));
            html.Text(" lower half: of the model compared with it ");
            html.Element("span", "", ("class", "key s"));
            html.Text(string.Create(CultureInfo.InvariantCulture, $" from 0 to {FullColour}. A chunk ends where both tokenizations do; point at one for its figures."));
        });
        foreach (DifferingTexts differing in found)
        {
            html.Element("h3", $"{differing.Student} compared with {differing.Teacher}");
            foreach (DifferingText text in differing.Texts.Take(each))
                Write(html, differing, text);
        }
    });

    private static void Write(HtmlWriter html, DifferingTexts models, DifferingText text)
    {
        html.Element("p", string.Create(CultureInfo.InvariantCulture,
            $"{text.Document}: {models.Teacher} {Figures.Number(text.TeacherBits / text.Bytes)}, {models.Student} {Figures.Number(text.StudentBits / text.Bytes)} bits per byte over {text.Bytes:N0} bytes"), ("class", "note"));
        html.Element("div", () =>
        {
            foreach (DifferingChunk chunk in text.Chunks)
                Chunk(html, models, chunk);
            if (text.Chunks.Sum(c => c.Bytes) < text.Bytes)
                html.Text(" …");
        }, ("class", "text"), ("tabindex", "0"));
    }

    private static void Chunk(HtmlWriter html, DifferingTexts models, DifferingChunk chunk)
    {
        int bytes = Math.Max(1, chunk.Bytes);
        string Share(double bits) => Math.Clamp(bits / bytes / FullColour, 0, 1).ToString("0.##", CultureInfo.InvariantCulture);
        html.Element("span", chunk.Text, ("class", "chunk"), ("style", $"--t:{Share(chunk.TeacherBits)};--s:{Share(chunk.StudentBits)}"),
            ("title", $"{models.Teacher} {Figures.Number(chunk.TeacherBits)} bits, {models.Student} {Figures.Number(chunk.StudentBits)} bits"));
    }
}
