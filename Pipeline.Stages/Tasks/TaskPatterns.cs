using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Tasks;

/// <summary>
/// The regular expressions of task files. They are those of .NET, independent of culture, with a limit of a few seconds for each text. Each is compiled
/// once. Can be used by several threads.
/// </summary>
internal static class TaskPatterns
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private static readonly ConcurrentDictionary<string, Regex> Made = new(StringComparer.Ordinal);

    /// <summary>Compiles a pattern.</summary>
    /// <exception cref="ArgumentException">It is not a regular expression.</exception>
    public static Regex Compile(string pattern) => new(pattern, RegexOptions.CultureInvariant, Longest);

    /// <summary>Makes all replacements in a text, one after the other.</summary>
    public static string Replace(string text, IReadOnlyList<Replacement> replacements)
        => replacements.Aggregate(text, (t, r) => Guarded(r.Pattern, regex => regex.Replace(t, r.By)));

    /// <summary>
    /// What a pattern finds in a text, trimmed: the first of its groups that matched some text, or the whole match if it has no group. Null where it finds
    /// nothing.
    /// </summary>
    public static string? Find(string text, string pattern, bool last) => Guarded(pattern, regex =>
    {
        MatchCollection matches = regex.Matches(text);
        if (matches.Count == 0)
            return null;
        Match match = matches[last ? ^1 : 0];
        Group? group = match.Groups.Count == 1 ? match : match.Groups.Values.Skip(1).FirstOrDefault(g => g.Success && g.Length > 0);
        return group?.Value.Trim();
    });

    /// <summary>Uses a pattern on a text.</summary>
    /// <exception cref="InputException">The pattern takes too long on the text.</exception>
    public static T Guarded<T>(string pattern, Func<Regex, T> use)
    {
        try
        {
            return use(Made.GetOrAdd(pattern, Compile));
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new InputException($"the pattern '{pattern}' takes longer than {Longest.TotalSeconds} seconds on one text; write one that backtracks less", e);
        }
    }
}
