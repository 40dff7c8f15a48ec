using System.Globalization;
using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>A table that shows which methods are ahead of which, by differences within each seed.</summary>
internal static class PairedTable
{
    /// <summary>The explanation below the table.</summary>
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

    /// <summary>
    /// The header, and a row for each pair of methods that the runs have. Where several domains are averaged, the gap is also shown for each of them.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<string>> Rows(RunComparison comparison, Domains domains)
    {
        string[] means = [.. domains.Each.Select(d => d.Name)], all = [.. means, .. domains.Each.Where(d => d.Of.Count > 1).SelectMany(d => d.Of)];
        (string Header, string Part, Func<ComparedModel, Repeats?> Value, double Factor, string Format, bool IsLess)[] columns =
        [
            .. all.Select(part => ($"gap closed, {part}", part, (Func<ComparedModel, Repeats?>)(m => m.GapClosed), 100.0, "0.00", false)),
            .. means.Select(part => ($"agreement, {part}", part, (Func<ComparedModel, Repeats?>)(m => m.ByteAgreement), 100.0, "0.00", false)),
            .. means.Select(part => ($"bits from the teacher, {part}", part, (Func<ComparedModel, Repeats?>)(m => m.Divergence), 1.0, "0.0000", true)),
        ];
        List<IReadOnlyList<string>> rows = [["difference", "n", .. columns.Select(c => c.Header)]];
        foreach ((string first, string second) in Pairs)
        {
            PairedDifference?[] found = [.. columns.Select(c => comparison.Part(c.Part) is { } part && part[first] is { } a && part[second] is { } b ? PairedDifference.Of(c.Value(a), c.Value(b)) : null)];
            if (found.OfType<PairedDifference>().Select(d => d.N).DefaultIfEmpty(0).Max() is > 0 and int seeds)
            {
                rows.Add([
                    $"{ModelNames.Label(first)} − {ModelNames.Label(second)}", seeds.ToString(CultureInfo.InvariantCulture),
                    .. columns.Zip(found, (c, d) => d?.Text(c.Factor, c.Format, c.IsLess) ?? "")]);
            }
        }
        return rows;
    }
}
