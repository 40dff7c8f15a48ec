using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Pipeline.Stages.Tasks;

/// <summary>Decides whether an answer follows an instruction, by the instruction's check in the task file.</summary>
internal static class InstructionChecker
{
    private const string It = "it";

    /// <summary>What is wrong with a check; null where nothing is.</summary>
    public static string? FaultOf(InstructionCheck check)
    {
        if (check.Unchecked is not null)
            return null;
        int ways = (check.Count is null ? 0 : 1) + (check.Split is null ? 0 : 1) + (check.Json ? 1 : 0);
        if (ways != 1)
            return "expected one of 'count', 'split', 'json' and 'unchecked'";
        int numbers = new[] { check.AtLeast, check.AtMost, check.Exactly, check.Relation }.Count(n => n is not null);
        if (!check.Json && numbers != 1)
            return "expected one of 'atLeast', 'atMost', 'exactly', and 'relation' with 'than'";
        if (check.Relation is null != check.Than is null)
            return "'relation' and 'than' go together";
        return check.Item is null == check.Match is null ? null : "'item' and 'match' go together";
    }

    /// <summary>The regular expressions of a check, with a placeholder for each argument, so that their syntax can be checked.</summary>
    public static IEnumerable<string> Patterns(InstructionCheck check)
        => new[] { check.Count, check.Split, check.Match }.OfType<string>().Select(p => Filled(p, _ => "x"));

    /// <summary>Whether an answer follows the instruction.</summary>
    /// <param name="check">How it is checked.</param>
    /// <param name="arguments">The arguments of the instruction, an object.</param>
    /// <param name="answer">The answer. A blank one follows no instruction.</param>
    public static bool Holds(InstructionCheck check, JsonElement arguments, string answer)
    {
        if (string.IsNullOrWhiteSpace(answer))
            return false;
        if (check.Each is null)
            return HoldsFor(check, name => Argument(arguments, name), answer);
        return arguments.TryGetProperty(check.Each, out JsonElement list) && list.ValueKind == JsonValueKind.Array
            && list.EnumerateArray().All(one => HoldsFor(check, name => name == It ? one.ToString() : Argument(arguments, name), answer));
    }

    /// <summary>
    /// The forms of an answer of which one must follow an instruction for it to be followed loosely: the answer without its first line, its last line and
    /// its asterisks, in every combination (IFEval, Zhou et al. 2023, section 2.2).
    /// </summary>
    public static IEnumerable<string> Loosened(string answer)
    {
        string[] lines = answer.Split('\n');
        foreach (string cut in (IEnumerable<string>)[answer, Joined(lines.Skip(1)), Joined(lines.SkipLast(1)), Joined(lines.Skip(1).SkipLast(1))])
        {
            yield return cut;
            yield return cut.Replace("*", "", StringComparison.Ordinal);
        }
    }

    private static string Joined(IEnumerable<string> lines) => string.Join('\n', lines).Trim();

    private static bool HoldsFor(InstructionCheck check, Func<string, string> argument, string answer)
    {
        if (check.Json)
            return IsJson(answer);
        string Pattern(string pattern) => Filled(pattern, name => Regex.Escape(argument(name)));
        if (check.Count is { } counted)
            return IsSo(check, argument, TaskPatterns.Guarded(Pattern(counted), r => r.Count(answer)));
        List<string> parts = [.. TaskPatterns.Guarded(Pattern(check.Split!), r => r.Split(answer))];
        // A separator at the beginning or at the end of the answer separates nothing, and leaves a blank part there.
        if (parts.Count > 0 && string.IsNullOrWhiteSpace(parts[0]))
            parts.RemoveAt(0);
        if (parts.Count > 0 && string.IsNullOrWhiteSpace(parts[^1]))
            parts.RemoveAt(parts.Count - 1);
        if (parts.Any(string.IsNullOrWhiteSpace) || !IsSo(check, argument, parts.Count) || (check.Distinct && parts.DistinctBy(p => p.Trim()).Count() < parts.Count))
            return false;
        if (check.Item is not { } item)
            return true;
        int at = (int)Number(item, argument) - 1;
        return at >= 0 && at < parts.Count && TaskPatterns.Guarded(Pattern(check.Match!), r => r.IsMatch(parts[at]));
    }

    private static bool IsSo(InstructionCheck check, Func<string, string> argument, int count)
    {
        if (check.Relation is { } relation)
            return argument(relation) == "less than" ? count < Number(check.Than!, argument) : count >= Number(check.Than!, argument);
        return (check.AtLeast is not { } least || count >= Number(least, argument)) && (check.AtMost is not { } most || count <= Number(most, argument))
            && (check.Exactly is not { } exactly || count == Number(exactly, argument));
    }

    // What is not a number becomes NaN, with which every comparison is false.
    private static double Number(string value, Func<string, string> argument)
        => double.TryParse(Filled(value, argument), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : double.NaN;

    private static string Argument(JsonElement arguments, string name)
        => arguments.ValueKind == JsonValueKind.Object && arguments.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value.ToString().Trim() : "";

    // Only names in braces are arguments. A regular expression has other braces of its own, with numbers in them.
    private static string Filled(string pattern, Func<string, string> argument) => ArgumentName.Replace(pattern, m => argument(m.Groups[1].Value));

    private static readonly Regex ArgumentName = new(@"(?<!\\[pP])\{([A-Za-z_]+)\}", RegexOptions.CultureInvariant);

    private static bool IsJson(string answer)
    {
        string bare = TaskPatterns.Replace(answer.Trim(), [new Replacement(@"^```(?:json|JSON|Json)?"), new Replacement(@"```$")]).Trim();
        try
        {
            using JsonDocument document = JsonDocument.Parse(bare);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
