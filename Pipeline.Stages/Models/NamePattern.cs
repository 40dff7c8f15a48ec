using System.Text.RegularExpressions;

namespace Pipeline.Stages.Models;

/// <summary>Patterns on weight names: <c>*</c> stands for any text, all else for itself; the whole name must match.</summary>
internal static class NamePattern
{
    public static bool Matches(string pattern, string name)
        => Regex.IsMatch(name, "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal) + "$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
