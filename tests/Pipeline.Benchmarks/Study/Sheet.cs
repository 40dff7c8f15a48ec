using System.Globalization;
using System.Text;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace Pipeline.Benchmarks.Study;

/// <summary>Puts panels side by side on one SVG, with a title above and a line below that explains what is drawn.</summary>
internal static class Sheet
{
    /// <summary>Colours that can be told apart in grey print and by the colour-blind (Okabe and Ito), each with a marker of its own.</summary>
    public static readonly IReadOnlyList<(Color Colour, MarkerShape Marker)> Styles =
        [(Color.FromHex("#0072B2"), MarkerShape.FilledCircle), (Color.FromHex("#D55E00"), MarkerShape.FilledSquare)];

    public static readonly Color Ink = Color.FromHex("#222222");
    public static readonly Color Pale = Color.FromHex("#666666");

    private const string Font = "DejaVu Sans";

    // The layout is computed with the letter widths of Font. Where it is not installed, the next of these look alike.
    private const string Families = "DejaVu Sans, Bitstream Vera Sans, Verdana, sans-serif";

    private const int TitleHeight = 34;
    private const int FootHeight = 26;

    /// <summary>An empty panel in the sheet's style: a light grid, no box, and numbers with a decimal point.</summary>
    public static Plot Panel(string title)
    {
        var plot = new Plot();
        plot.Font.Set(Font);
        plot.RenderManager.ClearCanvasBeforeEachRender = false;
        plot.Title(title, 13);
        plot.Axes.Title.Label.Bold = false;
        plot.Axes.Title.Label.ForeColor = Ink;
        plot.Axes.Top.IsVisible = false;
        plot.Axes.Right.IsVisible = false;
        plot.Axes.Color(Ink);
        plot.Grid.MajorLineColor = Color.FromHex("#E4E4E4");
        foreach (IAxis axis in (IAxis[])[plot.Axes.Bottom, plot.Axes.Left])
        {
            axis.Label.Bold = false;
            axis.Label.FontSize = 13;
            axis.TickLabelStyle.FontSize = 12;
            axis.TickGenerator = new NumericAutomatic { TickDensity = 0.6, LabelFormatter = v => Math.Round(v, 6).ToString(CultureInfo.InvariantCulture) };
            axis.MinorTickStyle.Length = 0;
        }
        return plot;
    }

    /// <summary>Draws a sheet.</summary>
    /// <param name="title">The title above all panels.</param>
    /// <param name="foot">The line below all panels.</param>
    /// <param name="panels">The panels from left to right. Their data areas have the same width.</param>
    /// <param name="labels">How many pixels are left of the first panel's data area.</param>
    /// <param name="gap">How many pixels are left of the other panels' data areas.</param>
    /// <param name="height">The height of the panels in pixels.</param>
    public static byte[] Svg(string title, string foot, IReadOnlyList<Plot> panels, int labels, int gap, int height)
    {
        const int right = 18, area = 330;
        int width = labels + gap * (panels.Count - 1) + (area + right) * panels.Count;
        using var stream = new MemoryStream();
        using (SKCanvas canvas = SKSvgCanvas.Create(new SKRect(0, 0, width, TitleHeight + height + FootHeight), stream))
        {
            canvas.Clear(SKColors.White);
            float left = 0;
            foreach (Plot panel in panels)
            {
                int padding = left == 0 ? labels : gap;
                panel.Layout.Fixed(new PixelPadding(padding, right, 48, 34));
                panel.Render(canvas, new PixelRect(left, left + padding + area + right, TitleHeight + height, TitleHeight));
                left += padding + area + right;
            }
            Write(canvas, title, 14, 24, 16, Ink, isBold: true);
            Write(canvas, foot, 14, TitleHeight + height + 14, 11, Pale, isBold: false);
        }
        string svg = Encoding.UTF8.GetString(stream.ToArray()).Replace($"font-family=\"{Font}\"", $"font-family=\"{Families}\"", StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(svg.EndsWith('\n') ? svg : svg + "\n");
    }

    private static void Write(SKCanvas canvas, string text, float x, float y, float size, Color colour, bool isBold)
    {
        using SKTypeface face = SKTypeface.FromFamilyName(Font, isBold ? SKFontStyle.Bold : SKFontStyle.Normal);
        using var font = new SKFont(face, size);
        using var paint = new SKPaint { Color = colour.ToSKColor(), IsAntialias = true };
        canvas.DrawText(text, x, y, font, paint);
    }
}
