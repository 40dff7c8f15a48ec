using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace Pipeline.Host.Definitions;

/// <summary>The bounds of a [Range] attribute, as numbers and as text for messages and schemas.</summary>
internal readonly record struct OptionRange(double Minimum, double Maximum, bool MinimumIsExclusive, bool MaximumIsExclusive)
{
    public static OptionRange Of(RangeAttribute range) => new(
        Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture),
        Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture),
        range.MinimumIsExclusive,
        range.MaximumIsExclusive);

    /// <summary>Whether there is a real upper bound. The largest value of the type stands for none.</summary>
    public bool HasMaximum => Maximum < int.MaxValue || (Maximum > int.MaxValue && Maximum < long.MaxValue && Maximum < double.MaxValue);

    public bool Contains(double value)
        => (MinimumIsExclusive ? value > Minimum : value >= Minimum) && (MaximumIsExclusive ? value < Maximum : value <= Maximum);

    public override string ToString()
    {
        if (!HasMaximum)
            return string.Create(CultureInfo.InvariantCulture, $"{(MinimumIsExclusive ? "more than" : "at least")} {Minimum}");
        return MinimumIsExclusive || MaximumIsExclusive
            ? string.Create(CultureInfo.InvariantCulture, $"{(MinimumIsExclusive ? "more than" : "at least")} {Minimum} and {(MaximumIsExclusive ? "less than" : "at most")} {Maximum}")
            : string.Create(CultureInfo.InvariantCulture, $"{Minimum}..{Maximum}");
    }
}
