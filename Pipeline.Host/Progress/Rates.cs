using System.Globalization;

namespace Pipeline.Host.Progress;

/// <summary>What the display derives from counts: rates, the time left, and numbers short enough for a table.</summary>
internal static class Rates
{
    /// <summary>The count that stages keep of their tokens.</summary>
    public const string TokenCount = "tokens";

    /// <summary>Time left when the rest goes as the part so far; null while that says nothing.</summary>
    public static TimeSpan? Left(StageProgress progress, TimeSpan elapsed)
        => progress.Done <= progress.First || progress.Done > progress.Total
            ? null
            : elapsed * ((double)(progress.Total - progress.Done) / (progress.Done - progress.First));

    public static string Short(double value) => Math.Abs(value) switch
    {
        >= 1e9 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e9:0.##}G"),
        >= 1e6 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e6:0.##}M"),
        >= 1e4 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e3:0.#}k"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value:0.####}"),
    };

    public static string Time(TimeSpan time)
        => time.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}")
            : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00}");
}
