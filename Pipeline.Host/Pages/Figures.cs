using System.Globalization;

namespace Pipeline.Host.Pages;

/// <summary>Writes numbers for people: few digits, units, and separators between thousands.</summary>
internal static class Figures
{
    /// <summary>A number with four significant digits. From ten thousand on, all digits before the decimal point are written.</summary>
    public static string Number(double value)
    {
        if (value == 0 || !double.IsFinite(value))
            return value.ToString(CultureInfo.InvariantCulture);
        double size = Math.Abs(value);
        return size is >= 1e-3 and < 1e4
            ? Math.Round(value, Math.Clamp(3 - (int)Math.Floor(Math.Log10(size)), 0, 6)).ToString("#,0.######", CultureInfo.InvariantCulture)
            : size is >= 1e4 and < 1e12 ? value.ToString("N0", CultureInfo.InvariantCulture) : value.ToString("0.###e0", CultureInfo.InvariantCulture);
    }

    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    public static string Percent(double share) => (share * 100).ToString("0.0", CultureInfo.InvariantCulture) + " %";

    public static string Bytes(double bytes)
    {
        string[] units = ["bytes", "KB", "MB", "GB", "TB"];
        int unit = 0;
        for (; bytes >= 1000 && unit < units.Length - 1; unit++)
            bytes /= 1000;
        return $"{Number(bytes)} {units[unit]}";
    }

    public static string Time(double seconds)
        => seconds < 60 ? $"{Number(Math.Round(seconds, 1))} s"
            : seconds < 3600 ? string.Create(CultureInfo.InvariantCulture, $"{(int)seconds / 60} min {(int)seconds % 60} s")
            : string.Create(CultureInfo.InvariantCulture, $"{(long)seconds / 3600} h {(long)seconds % 3600 / 60} min");
}
