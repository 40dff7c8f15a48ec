using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Tasks;

/// <summary>The regular expressions of task files: .NET's, without culture, and none takes longer than a few seconds on a text.</summary>
internal static class TaskPatterns
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private static readonly ConcurrentDictionary<string, Regex> Made = new(StringComparer.Ordinal);

    /// <exception cref="ArgumentException">It is not a regular expression.</exception>
    public static Regex Compile(string pattern) => new(pattern, RegexOptions.CultureInvariant, Longest);

    public static string Replace(string text, IReadOnlyList<Replacement> replacements)
        => replacements.Aggregate(text, (t, r) => Guarded(r.Pattern, regex => regex.Replace(t, r.By)));

    /// <summary>What a pattern finds, trimmed: the first of its groups that matched, or the whole match where it has no group. Null: nothing.</summary>
    public static string? Find(string text, string pattern, bool last) => Guarded(pattern, regex =>
    {
        MatchCollection matches = regex.Matches(text);
        if (matches.Count == 0)
            return null;
        Match match = matches[last ? ^1 : 0];
        Group? group = match.Groups.Count == 1 ? match : match.Groups.Values.Skip(1).FirstOrDefault(g => g.Success && g.Length > 0);
        return group?.Value.Trim();
    });

    /// <exception cref="InputException">It takes too long on a text.</exception>
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
