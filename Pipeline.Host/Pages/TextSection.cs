using System.Globalization;
using Pipeline.Stages.Evaluation;

namespace Pipeline.Host.Pages;

/// <summary>The texts on which the student is furthest behind its teacher, chunk by chunk in both models' bits.</summary>
internal static class TextSection
{
    /// <summary>Bits per byte at which a colour is full.</summary>
    private const double FullColour = 4;

    public static void Write(HtmlWriter html, RunRecord run) => html.Section("texts", "Texts where they differ most", () =>
    {
        List<DifferingTexts> found = [.. run.Judgements.Select(j => j.Report.Differing).OfType<DifferingTexts>()];
        if (found.Count == 0)
        {
            html.Element("p", "None were kept: evaluate keeps them where it judges a teacher and a student.", ("class", "note"));
            return;
        }
        html.Element("p", () =>
        {
            html.Text("Upper half: bits per byte of the teacher ");
            html.Element("span", "", ("class", "key t"));
            html.Text(" lower half: of the student ");
            html.Element("span", "", ("class", "key s"));
            html.Text(string.Create(CultureInfo.InvariantCulture, $" from 0 to {FullColour}. A chunk ends where both tokenizations do; point at one for its figures."));
        });
        foreach (DifferingText text in found.SelectMany(f => f.Texts))
        {
            html.Element("p", string.Create(CultureInfo.InvariantCulture,
                $"{text.Document}: teacher {Figures.Number(text.TeacherBits / text.Bytes)}, student {Figures.Number(text.StudentBits / text.Bytes)} bits per byte over {text.Bytes} bytes"), ("class", "note"));
            html.Element("div", () =>
            {
                foreach (DifferingChunk chunk in text.Chunks)
                    Chunk(html, chunk);
            }, ("class", "text"), ("tabindex", "0"));
        }
    });

    private static void Chunk(HtmlWriter html, DifferingChunk chunk)
    {
        int bytes = Math.Max(1, chunk.Bytes);
        string Share(double bits) => Math.Clamp(bits / bytes / FullColour, 0, 1).ToString("0.##", CultureInfo.InvariantCulture);
        html.Element("span", chunk.Text, ("class", "chunk"), ("style", $"--t:{Share(chunk.TeacherBits)};--s:{Share(chunk.StudentBits)}"),
            ("title", $"teacher {Figures.Number(chunk.TeacherBits)} bits, student {Figures.Number(chunk.StudentBits)} bits"));
    }
}
