using System.Globalization;
using Pipeline.Host.Comparison;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Pipeline.Benchmarks.Study;

/// <summary>Draws the study's pictures as SVG: bits per byte on text of the domains that transfer showed and of those that it did not, side by side.</summary>
internal static class Picture
{
    private const string Quantity = "bits per byte (less is better)";

    /// <summary>A row for each model. The teacher is a line, and so is the student before training if it is not too far away.</summary>
    public static byte[] Methods(string title, RunComparison comparison, Domains domains)
    {
        string[] models = [.. ModelNames.Ordered(comparison).Where(m => !ModelNames.IsReference(m))];
        List<Plot> panels = [];
        foreach ((PartMean domain, ComparedPart part) in Parts(comparison, domains))
        {
            Plot plot = Sheet.Panel(domains.Title(domain));
            (Color colour, MarkerShape marker) = Sheet.Styles[domain == domains.Seen ? 0 : 1];
            var range = new Range();
            for (int i = 0; i < models.Length; i++)
            {
                if (part[models[i]]?.BitsPerByte is { } bits)
                    Row(plot, bits, models.Length - 1 - i, colour, marker, range);
            }
            double top = models.Length + 0.1;
            if (part[RunComparison.DefaultTeacher]?.BitsPerByte.Mean is { } teacher)
            {
                range.Take(teacher);
                plot.Add.VerticalLine(teacher, 1.5f, Sheet.Ink, LinePattern.Dashed);
                Note(plot, $"teacher {Short(teacher)}", teacher, top, Alignment.MiddleLeft, 5);
            }
            if (part[RunComparison.DefaultBefore]?.BitsPerByte.Mean is { } before)
            {
                bool isNear = before <= range.Most + (range.Most - range.Least);
                range.Take(isNear ? before : range.Most);
                if (isNear)
                    plot.Add.VerticalLine(before, 1.5f, Sheet.Pale, LinePattern.Dotted);
                Note(plot, $"before training {Short(before)}{(isNear ? "" : " →")}", isNear ? before : range.Padded.Most, top, Alignment.MiddleRight, isNear ? -5 : -2);
            }
            plot.Axes.SetLimits(range.Padded.Least, range.Padded.Most, -0.6, models.Length + 0.5);
            plot.Axes.Left.TickGenerator = new NumericManual(
                [.. models.Select((_, i) => (double)(models.Length - 1 - i))], [.. models.Select(m => panels.Count == 0 ? ModelNames.Label(m) : "")]);
            plot.Axes.Left.MajorTickStyle.Length = 0;
            plot.XLabel(Quantity);
            panels.Add(plot);
        }
        return Sheet.Svg(title, Foot(comparison, "Horizontal"), panels, 170, 24, 82 + 34 * (models.Length + 1));
    }

    /// <summary>A curve over one quantity, with a model that does not have this quantity as a line.</summary>
    /// <param name="title">The title above the picture.</param>
    /// <param name="axis">The quantity, with its unit.</param>
    /// <param name="comparison">The models, compared by the means of the domains.</param>
    /// <param name="domains">The domains, a panel for each group.</param>
    /// <param name="points">The models on the curve.</param>
    /// <param name="reference">A model that is drawn as a line across, with its spread, if the runs have it; null for none.</param>
    /// <param name="numericTicks">Whether ticks are numbers from 0 and points have labels. Otherwise there is a tick for each point.</param>
    public static byte[] Curves(
        string title, string axis, RunComparison comparison, Domains domains, IReadOnlyList<PointOnAxis> points, string? reference, bool numericTicks = false)
    {
        PointOnAxis[] ordered = [.. points.OrderBy(p => p.X)];
        double span = Math.Max(ordered[^1].X - ordered[0].X, 1e-9);
        (double from, double to) = numericTicks ? (0, ordered[^1].X * 1.2) : (ordered[0].X - 0.12 * span, ordered[^1].X + 0.12 * span);
        List<Plot> panels = [];
        foreach ((PartMean domain, ComparedPart part) in Parts(comparison, domains))
        {
            Plot plot = Sheet.Panel(domains.Title(domain));
            (Color colour, MarkerShape marker) = Sheet.Styles[domain == domains.Seen ? 0 : 1];
            var range = new Range();
            (PointOnAxis Point, Repeats Bits)[] known = [.. ordered.Where(p => part[p.Model] is not null).Select(p => (p, part[p.Model]!.BitsPerByte))];
            if (reference is not null && part[reference]?.BitsPerByte is { } without)
            {
                bool isLeftFree = known.Length == 0 || Math.Abs(known[0].Bits.Mean - without.Mean) > Math.Abs(known[^1].Bits.Mean - without.Mean);
                Across(plot, ModelNames.Label(reference), without, isLeftFree ? from : to, isLeftFree ? Alignment.LowerLeft : Alignment.LowerRight, range);
            }
            foreach (((PointOnAxis a, Repeats left), (PointOnAxis b, Repeats right)) in known.Zip(known.Skip(1)))
                Line(plot, a.X, left.Mean, b.X, right.Mean, colour, 1.5f, b.IsApart ? LinePattern.Dotted : LinePattern.Solid);
            foreach ((PointOnAxis point, Repeats bits) in known)
            {
                Column(plot, bits, point.X, (to - from) * 0.015, colour, marker, range);
                if (numericTicks)
                    Note(plot, point.Label, point.X, Math.Max(bits.Mean + (bits.StandardDeviation ?? 0), bits.Values.Max()!.Value), Alignment.LowerLeft, 3, -4);
            }
            if (!numericTicks)
                plot.Axes.Bottom.TickGenerator = new NumericManual([.. ordered.Select(p => p.X)], [.. ordered.Select(p => p.Label)]);
            plot.Axes.SetLimits(from, to, range.Padded.Least, range.Padded.Most);
            plot.XLabel(axis);
            if (panels.Count == 0)
                plot.YLabel(Quantity);
            panels.Add(plot);
        }
        return Sheet.Svg(title, Foot(comparison, "Vertical"), panels, 74, 56, 330);
    }

    private static (PartMean Domain, ComparedPart Part)[] Parts(RunComparison comparison, Domains domains)
        => [.. domains.Each.Where(d => comparison.Part(d.Name) is not null).Select(d => (d, comparison.Part(d.Name)!))];

    private static string Foot(RunComparison comparison, string axes) => (comparison.Runs.Count == 1
        ? "n = 1 run."
        : $"n = {comparison.Runs.Count} runs (seeds). Large points: mean; bars: ± sample standard deviation; small dots: single runs.")
        + $" {axes} axes do not start at 0.";

    private static void Row(Plot plot, Repeats bits, double y, Color colour, MarkerShape marker, Range range)
    {
        double spread = range.Take(bits);
        Line(plot, bits.Mean - spread, y, bits.Mean + spread, y, colour, 2, LinePattern.Solid);
        foreach (double value in bits.N > 1 ? bits.Values.OfType<double>() : [])
            plot.Add.Marker(value, y - 0.2, MarkerShape.FilledCircle, 4, colour.WithAlpha(0.55));
        plot.Add.Marker(bits.Mean, y, marker, 8, colour);
        Note(plot, Short(bits.Mean), bits.Mean, y, Alignment.LowerCenter, 0, -6);
    }

    private static void Column(Plot plot, Repeats bits, double x, double aside, Color colour, MarkerShape marker, Range range)
    {
        double spread = range.Take(bits);
        Line(plot, x, bits.Mean - spread, x, bits.Mean + spread, colour, 2, LinePattern.Solid);
        foreach (double value in bits.N > 1 ? bits.Values.OfType<double>() : [])
            plot.Add.Marker(x + aside, value, MarkerShape.FilledCircle, 4, colour.WithAlpha(0.55));
        plot.Add.Marker(x, bits.Mean, marker, 8, colour);
    }

    private static void Across(Plot plot, string label, Repeats bits, double x, Alignment side, Range range)
    {
        double spread = range.Take(bits);
        if (spread > 0)
            plot.Add.VerticalSpan(bits.Mean - spread, bits.Mean + spread, Sheet.Pale.WithAlpha(0.12)).LineStyle.Width = 0;
        plot.Add.HorizontalLine(bits.Mean, 1.5f, Sheet.Pale, LinePattern.Dashed);
        Note(plot, $"{label} {Short(bits.Mean)}", x, bits.Mean, side, side == Alignment.LowerLeft ? 6 : -6, -3);
    }

    private static void Line(Plot plot, double x1, double y1, double x2, double y2, Color colour, float width, LinePattern pattern)
    {
        ScottPlot.Plottables.LinePlot line = plot.Add.Line(x1, y1, x2, y2);
        line.Color = colour;
        line.LineWidth = width;
        line.LinePattern = pattern;
        line.MarkerSize = 0;
    }

    private static void Note(Plot plot, string text, double x, double y, Alignment alignment, float offsetX, float offsetY = 0)
    {
        ScottPlot.Plottables.Text note = plot.Add.Text(text, x, y);
        note.LabelFontSize = 11;
        note.LabelFontColor = Sheet.Ink;
        note.LabelAlignment = alignment;
        note.OffsetX = offsetX;
        note.OffsetY = offsetY;
    }

    private static string Short(double bits) => bits.ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>The range of values that an axis must show.</summary>
    private sealed class Range
    {
        public double Least { get; private set; } = double.PositiveInfinity;

        public double Most { get; private set; } = double.NegativeInfinity;

        public (double Least, double Most) Padded
            => double.IsInfinity(Least) ? (0, 1) : Pad(Math.Max(Most - Least, 1e-3));

        public void Take(double value) => (Least, Most) = (Math.Min(Least, value), Math.Max(Most, value));

        /// <returns>The standard deviation, or 0 where there is none.</returns>
        public double Take(Repeats bits)
        {
            double spread = bits.StandardDeviation ?? 0;
            foreach (double value in bits.Values.OfType<double>().Append(bits.Mean - spread).Append(bits.Mean + spread))
                Take(value);
            return spread;
        }

        private (double, double) Pad(double span) => (Least - 0.12 * span, Most + 0.12 * span);
    }
}
