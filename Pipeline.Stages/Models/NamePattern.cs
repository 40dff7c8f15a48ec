using System.Text.RegularExpressions;

namespace Pipeline.Stages.Models;

/// <summary>Patterns for names of weights. <c>*</c> stands for any text, everything else for itself, and the whole name has to match.</summary>
internal static class NamePattern
{
    public static bool Matches(string pattern, string name)
        => Regex.IsMatch(name, "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal) + "$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
}
