using System.Globalization;
using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>A table with a row for each model and a column for each figure, on text of the domains that transfer showed and of those that it did not.</summary>
internal static class ModelTable
{
    /// <summary>The header and a row for each model. Columns without any value are left out.</summary>
    /// <param name="comparison">The models, compared by the means of the domains.</param>
    /// <param name="domains">The domains that have columns.</param>
    /// <param name="more">Further columns, which come after n.</param>
    public static IReadOnlyList<IReadOnlyList<string>> Rows(RunComparison comparison, Domains domains, params (string Header, Func<string, string> Cell)[] more)
        => Rows(comparison, domains, ModelNames.Ordered(comparison), more);

    /// <summary>The same for some models only, in the given order.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Rows(
        RunComparison comparison, Domains domains, IReadOnlyList<string> names, params (string Header, Func<string, string> Cell)[] more)
    {
        List<(string Header, Func<string, string> Cell)> columns = [("n", n => Counts(comparison, n)), .. more];
        foreach ((string quantity, Func<ComparedModel, Repeats?> value, Func<Repeats?, string> text, bool isLess) in Quantities(comparison))
        {
            foreach (PartMean domain in domains.Each)
            {
                Repeats? Of(string name) => comparison.Part(domain.Name)?[name] is { } model ? value(model) : null;
                double[] means = [.. names.Where(n => !ModelNames.IsReference(n)).Select(n => Of(n)?.Mean).OfType<double>()];
                double? best = means.Length == 0 ? null : isLess ? means.Min() : means.Max();
                if (names.Any(n => Of(n) is not null))
                    columns.Add(($"{quantity}, {domain.Name}", n => Of(n)?.Mean == best && !ModelNames.IsReference(n) && best is not null ? $"**{text(Of(n))}**" : text(Of(n))));
            }
        }
        return [["model", .. columns.Select(c => c.Header)], .. names.Select(n => (IReadOnlyList<string>)[ModelNames.Label(n), .. columns.Select(c => c.Cell(n))])];
    }

    // Where there is agreement at every byte, it is shown instead of agreement where both models begin a token, because it says more.
    private static IReadOnlyList<(string, Func<ComparedModel, Repeats?>, Func<Repeats?, string>, bool IsLess)> Quantities(RunComparison comparison) =>
    [
        ("bits per byte", m => m.BitsPerByte, ComparisonTable.Bits, true),
        ("gap closed", m => m.GapClosed, ComparisonTable.Percent, false),
        comparison.Parts.SelectMany(p => p.Models).Any(m => m.ByteAgreement is not null)
            ? ("agreement", m => m.ByteAgreement, ComparisonTable.Percent, false)
            : ("agreement", m => m.Agreement, ComparisonTable.Percent, false),
        ("bits from the teacher", m => m.Divergence, ComparisonTable.Bits, true),
    ];

    private static string Counts(RunComparison comparison, string name)
        => string.Join("/", comparison.Parts.Select(p => p[name]).OfType<ComparedModel>().Select(m => m.BitsPerByte.N).Distinct().Select(n => n.ToString(CultureInfo.InvariantCulture)));
}
