using System.Globalization;
using System.Text;

namespace Pipeline.Host.Progress;

/// <summary>What the display derives from counts: rates, the time left, and numbers and lines short enough for a terminal.</summary>
internal static class Rates
{
    /// <summary>The name under which stages count their tokens.</summary>
    public const string TokenCount = "tokens";

    /// <summary>The width of a line of plain text, in columns.</summary>
    public const int Columns = 100;

    /// <summary>The width of the time that a line begins with, in columns.</summary>
    public const int StampColumns = 9;

    /// <summary>The time left if the rest goes as fast as the work so far. Null while the speed is unknown.</summary>
    public static TimeSpan? Left(StageProgress progress, TimeSpan elapsed)
        => progress.Done <= progress.First || progress.Done > progress.Total
            ? null
            : elapsed * ((double)(progress.Total - progress.Done) / (progress.Done - progress.First));

    /// <summary>A short number: four digits, or from ten thousand on three digits with k, M or G.</summary>
    public static string Short(double value) => Math.Abs(value) switch
    {
        >= 999.5e6 => Digits(value / 1e9, 3) + "G",
        >= 999.5e3 => Digits(value / 1e6, 3) + "M",
        >= 9999.5 => Digits(value / 1e3, 3) + "k",
        >= 1e-4 or 0 => Digits(value, 4),
        _ => value.ToString("0.###e0", CultureInfo.InvariantCulture),
    };

    /// <summary>Hours, minutes and seconds, such as 1:02:03; below an hour only minutes and seconds.</summary>
    public static string Time(TimeSpan time)
        => time.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}")
            : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00}");

    /// <summary>Joins parts to lines of at most <see cref="Columns"/> columns. Further lines are indented by the width of the time.</summary>
    /// <param name="parts">The parts. None is broken, even if it is too long for a line.</param>
    /// <param name="separator">What is written between two parts.</param>
    /// <param name="before">How many columns the caller writes before the first part.</param>
    public static string Wrap(IEnumerable<string> parts, string separator, int before)
    {
        var text = new StringBuilder();
        int column = before;
        foreach (string part in parts)
        {
            string between = text.Length == 0 ? "" : separator;
            if (between.Length > 0 && column + between.Length + part.Length > Columns)
            {
                between = $"{separator.TrimEnd()}\n{new string(' ', StampColumns)}";
                column = StampColumns - between.Length;
            }
            text.Append(between).Append(part);
            column += between.Length + part.Length;
        }
        return text.ToString();
    }

    private static string Digits(double value, int digits)
        => value == 0 || !double.IsFinite(value)
            ? value.ToString(CultureInfo.InvariantCulture)
            : Math.Round(value, Math.Clamp(digits - 1 - (int)Math.Floor(Math.Log10(Math.Abs(value))), 0, 15)).ToString("0.########", CultureInfo.InvariantCulture);
}
