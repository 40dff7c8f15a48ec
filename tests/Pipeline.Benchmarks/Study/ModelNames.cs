using System.Globalization;
using Pipeline.Host.Comparison;

namespace Pipeline.Benchmarks.Study;

/// <summary>The models of the study: their names in runs, their order in tables, and the labels that a reader sees.</summary>
internal static class ModelNames
{
    /// <summary>The student of exact next bytes with at most eight bytes kept.</summary>
    public const string OfFewerBytes = "exact-8";

    private const string GammaPrefix = "gamma-";
    private const string TauPrefix = "tau-";

    // In the order of tables. The two ends of the scale come first and last.
    private static readonly (string Name, string Label)[] Known =
    [
        (RunComparison.DefaultBefore, "student before training"),
        ("sft", "SFT"), ("dskd", "DSKD"), ("uld", "ULD"), ("mined", "MinED"),
        ("alm", "ALM"), ("alm-tau-inf", "ALM τ ∞"), ("alm-100-no-boundary", "ALM τ 100, no boundary"), ("alm-100-nothing", "ALM τ 100, undebiased"),
        ("alm-sft", "ALM + SFT"), ("alm-sft-latents", "ALM + SFT + latents"),
        ("bytes-trunk", "next bytes, trunk"), ("bytes-exact", "next bytes, exact"), (OfFewerBytes, "exact, 8 bytes at most"), ("exact-sft", "exact + SFT"), ("exact-ends", "exact, at token ends"),
        ("next-bytes", "next bytes"), ("next-bytes-sft", "next bytes + SFT"),
        ("no-boundary", "no boundary mass"),
        ("float32", "float32, teacher online"), ("bits-16", "16 bits"), ("bits-12", "12 bits"), ("bits-8", "8 bits"),
        (RunComparison.DefaultTeacher, "teacher"),
    ];

    /// <summary>Whether a model is one end of the scale: the student before training, or the teacher.</summary>
    public static bool IsReference(string name) => name is RunComparison.DefaultBefore or RunComparison.DefaultTeacher;

    /// <summary>All models of a comparison, in the order of tables. Models that are not listed here come before the teacher, in the order of the reports.</summary>
    public static IReadOnlyList<string> Ordered(RunComparison comparison)
        => [.. comparison.Parts.SelectMany(p => p.Models).Select(m => m.Name).Distinct().OrderBy(Rank).ThenBy(n => Gamma(n) ?? Tau(n) ?? 0)];

    /// <summary>The label of a model.</summary>
    public static string Label(string name)
        => Gamma(name) is not null ? $"γ = {name[GammaPrefix.Length..]}"
            : Tau(name) is { } tau ? $"τ = {(double.IsInfinity(tau) ? "∞" : name[TauPrefix.Length..])}"
            : Known.FirstOrDefault(k => k.Name == name).Label ?? name;

    /// <summary>The merging threshold that a name stands for; null for other names.</summary>
    public static double? Gamma(string name) => Number(name, GammaPrefix);

    /// <summary>The temperature that a name stands for, which may be infinite; null for other names.</summary>
    public static double? Tau(string name) => name == TauPrefix + "inf" ? double.PositiveInfinity : Number(name, TauPrefix);

    private static int Rank(string name)
        => name == RunComparison.DefaultTeacher ? 1000
            : Gamma(name) is not null ? 100
            : Tau(name) is not null ? 200
            : Array.FindIndex(Known, k => k.Name == name) is >= 0 and int index ? index
            : 900;

    private static double? Number(string name, string prefix)
        => name.StartsWith(prefix, StringComparison.Ordinal)
            && double.TryParse(name.AsSpan(prefix.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;
}
