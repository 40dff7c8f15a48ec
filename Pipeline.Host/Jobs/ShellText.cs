using System.Text.RegularExpressions;

namespace Pipeline.Host.Jobs;

/// <summary>Quotes the words of a shell command.</summary>
internal static partial class ShellText
{
    /// <summary>The word, quoted if the shell would otherwise change it.</summary>
    public static string Quote(string word)
        => Plain().IsMatch(word) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>A command line of these words, each quoted where that is needed.</summary>
    public static string Line(IEnumerable<string> words) => string.Join(' ', words.Select(Quote));

    [GeneratedRegex(@"^[A-Za-z0-9_@%+=:,./-]+\z")]
    private static partial Regex Plain();
}
