using System.Globalization;
using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>Which method is ahead of which, by differences within each seed.</summary>
internal static class PairedTable
{
    public static IReadOnlyList<string> Notes { get; } =
    [
        "The first less the second, within each seed: mean ± its standard error, and how many errors the mean is from 0. Gap and agreement in points of percent.",
        "Bold: the first is ahead by more than three standard errors; italics: it is behind by as much. Neither is said of two seeds, whose error is hardly known.",
        "In standard deviations of the differences themselves, the mean is the number in brackets divided by √n.",
    ];

    private static readonly (string First, string Second)[] Pairs =
    [
        ("bytes-exact", "sft"), ("bytes-exact", "alm-sft"), ("bytes-exact", "alm-tau-inf"), ("bytes-exact", "bytes-trunk"), ("bytes-trunk", "sft"), ("bytes-trunk", "alm-sft"), ("alm-sft", "sft"),
        ("exact-8", "bytes-exact"), ("exact-sft", "bytes-exact"), ("exact-ends", "bytes-exact"), ("exact-ends", "alm"), ("alm-tau-inf", "alm"), ("alm-sft-latents", "alm-sft"),
        ("alm-100-no-boundary", "alm"), ("alm-100-nothing", "alm"),
        ("next-bytes", "sft"), ("next-bytes", "alm-sft"), ("next-bytes-sft", "sft"), ("next-bytes-sft", "alm-sft"),
    ];

    private static readonly (string Name, Func<ComparedModel, Repeats?> Value, double Factor, string Format, bool IsLess)[] Quantities =
    [
        ("gap closed", m => m.GapClosed, 100, "0.00", false),
        ("agreement", m => m.ByteAgreement, 100, "0.00", false),
        ("bits from the teacher", m => m.Divergence, 1, "0.0000", true),
    ];

    /// <summary>A row for each pair that the runs have; the header alone where they have none.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Rows(RunComparison comparison, Domains domains)
    {
        (ComparedPart Part, string Name)[] parts = [.. domains.Each.Select(d => (comparison.Part(d.Name)!, d.Name)).Where(p => p.Item1 is not null)];
        List<IReadOnlyList<string>> rows = [["difference", "n", .. Quantities.SelectMany(q => parts.Select(p => $"{q.Name}, {p.Name}"))]];
        foreach ((string first, string second) in Pairs)
        {
            List<string> cells = [];
            int seeds = 0;
            foreach ((_, Func<ComparedModel, Repeats?> value, double factor, string format, bool isLess) in Quantities)
            {
                foreach ((ComparedPart part, _) in parts)
                {
                    PairedDifference? difference = part[first] is { } a && part[second] is { } b ? PairedDifference.Of(value(a), value(b)) : null;
                    seeds = Math.Max(seeds, difference?.N ?? 0);
                    cells.Add(difference?.Text(factor, format, isLess) ?? "");
                }
            }
            if (seeds > 0)
                rows.Add([$"{ModelNames.Label(first)} − {ModelNames.Label(second)}", seeds.ToString(CultureInfo.InvariantCulture), .. cells]);
        }
        return rows;
    }
}
