using System.Globalization;
using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Runs;

/// <summary>Writes a figure of a plan for people, with a fitting unit.</summary>
internal static class PlanFigure
{
    public static string Show(double amount, PlanUnit unit) => unit switch
    {
        PlanUnit.Bytes => Scaled(amount, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]),
        PlanUnit.FloatingPointOperations => Scaled(amount, 1000, ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP"]),
        PlanUnit.Seconds => Span(amount),
        _ => amount.ToString("N0", CultureInfo.InvariantCulture),
    };

    private static string Scaled(double amount, double step, string[] units)
    {
        int unit = 0;
        while (amount >= step && unit < units.Length - 1)
        {
            amount /= step;
            unit++;
        }
        return string.Create(CultureInfo.InvariantCulture, $"{amount:0.##} {units[unit]}");
    }

    private static string Span(double seconds) => seconds switch
    {
        < 120 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.#} s"),
        < 7200 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0.#} min"),
        < 172800 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.#} h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 86400:0.#} days"),
    };
}
