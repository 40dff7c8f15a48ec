using System.CommandLine;
using System.Globalization;
using System.Numerics;

namespace Pipeline.Host.Commands;

/// <summary>Refuses numbers on the command line that are out of range, and names the range.</summary>
internal static class NumberRange
{
    public static void AddTo<T>(Option<T> option, T least, T most) where T : struct, INumber<T>
        => option.Validators.Add(result => Check(result.Tokens.Count == 0 ? null : result.GetValueOrDefault<T>(), option.Name, least, most, result.AddError));

    public static void AddTo<T>(Option<T?> option, T least, T most) where T : struct, INumber<T>
        => option.Validators.Add(result => Check(result.Tokens.Count == 0 ? null : result.GetValueOrDefault<T?>(), option.Name, least, most, result.AddError));

    private static void Check<T>(T? value, string name, T least, T most, Action<string> refuse) where T : struct, INumber<T>
    {
        // This form of the comparison refuses NaN too.
        if (value is { } number && !(number >= least && number <= most))
            refuse(string.Create(CultureInfo.InvariantCulture, $"{name}: found {number}, expected {least}..{most}"));
    }
}
