using System.Globalization;
using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>
/// The ablation of ALM: boundary mass, merging threshold γ and temperature τ, one changed at a time. Reads the runs <c>TARGET-ablation-seedN</c>.
/// </summary>
internal static class AblationStudy
{
    public static void Write(string target, StudyRuns runs, StudyPages pages)
    {
        FinishedRun[] found = [.. runs.Find($"{target}-ablation-seed").Select(r => r.Run)];
        if (found.Length == 0)
            return;
        string name = $"ablation-{target}", title = $"ALM, subword to {target}, one thing changed at a time";
        RunComparison comparison = runs.Compare(name, found, Domains.MathsAndArticles);
        IReadOnlyList<string> models = ModelNames.Ordered(comparison);
        List<(string, string)> pictures = [];
        void Add(string variable, string quantity, string scale, IReadOnlyList<PointOnAxis> points, string? reference)
        {
            if (points.Count < 2)
            {
                runs.Skip($"{name}-{variable}.svg: fewer than two models vary it");
                return;
            }
            string over = $"ALM, subword to {target}: {quantity}";
            pages.Save($"{name}-{variable}.svg", Picture.Curves(over, quantity + scale, comparison, Domains.MathsAndArticles, points, reference));
            pictures.Add(($"{name}-{variable}.svg", $"{over}: bits per byte"));
        }

        Add("gamma", "merging threshold γ", "",
            [.. models.Where(m => ModelNames.Gamma(m) is not null).Select(m => new PointOnAxis(m, ModelNames.Gamma(m)!.Value, Number(ModelNames.Gamma(m)!.Value)))], "no-boundary");
        Add("tau", "temperature τ", " (log scale)", Temperatures(models), null);
        pages.Write(name, title, ModelTable.Rows(comparison, Domains.MathsAndArticles), StudyPages.Notes(comparison, Domains.MathsAndArticles), pictures);
    }

    // ∞ has no place on a log scale, so it is drawn at some distance after the largest number.
    private static PointOnAxis[] Temperatures(IReadOnlyList<string> models)
    {
        (string Model, double Tau)[] all = [.. models.Where(m => ModelNames.Tau(m) is not null).Select(m => (m, ModelNames.Tau(m)!.Value))];
        double last = all.Where(t => double.IsFinite(t.Tau)).Select(t => Math.Log10(t.Tau)).DefaultIfEmpty(0).Max() + 0.8;
        return [.. all.Select(t => double.IsFinite(t.Tau) ? new PointOnAxis(t.Model, Math.Log10(t.Tau), Number(t.Tau)) : new PointOnAxis(t.Model, last, "∞", IsApart: true))];
    }

    private static string Number(double value) => value.ToString(CultureInfo.InvariantCulture);
}
