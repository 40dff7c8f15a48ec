using System.Globalization;
using System.Text;

namespace Pipeline.Stages.Jinja;

/// <summary>The function <c>strftime_now</c> for a day that the definition gives: a prompt must not depend on when it was made.</summary>
internal static class TemplateDate
{
    public const string Function = "strftime_now";

    /// <summary>The function as it would answer at midnight of a day.</summary>
    public static TemplateFunction Of(DateOnly day) => (positional, _) => positional is [TracedText format]
        ? TracedText.Literal(Format(day.ToDateTime(TimeOnly.MinValue), format.Text))
        : throw new ChatTemplateException($"{Function} needs a format");

    private static string Format(DateTime time, string format)
    {
        StringBuilder text = new();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            bool padded = format[i + 1] != '-';
            i += padded || i + 2 == format.Length ? 1 : 2;
            text.Append(format[i] == '%' ? "%" : time.ToString(Directive(format[i], padded), CultureInfo.InvariantCulture));
        }
        return text.ToString();
    }

    // A custom format of one letter needs a percent sign in front. Otherwise .NET reads it as a standard format.
    private static string Directive(char letter, bool padded) => letter switch
    {
        'Y' => "yyyy",
        'y' => "yy",
        'm' => padded ? "MM" : "%M",
        'd' => padded ? "dd" : "%d",
        'B' => "MMMM",
        'b' => "MMM",
        'A' => "dddd",
        'a' => "ddd",
        'H' => padded ? "HH" : "%H",
        'I' => padded ? "hh" : "%h",
        'M' => padded ? "mm" : "%m",
        'S' => padded ? "ss" : "%s",
        'p' => "tt",
        'F' => "yyyy-MM-dd",
        'T' => "HH:mm:ss",
        _ => throw ChatTemplateException.Missing($"{Function}: the directive '%{(padded ? "" : "-")}{letter}' is not implemented"),
    };
}
