using System.Text.RegularExpressions;

namespace Pipeline.Host.Jobs;

/// <summary>Words of a shell command.</summary>
internal static partial class ShellText
{
    /// <summary>The word as the shell must read it to mean itself.</summary>
    public static string Quote(string word)
        => Plain().IsMatch(word) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    public static string Line(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    [GeneratedRegex(@"^[A-Za-z0-9_@%+=:,./-]+\z")]
    private static partial Regex Plain();
}
