using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Choices;

/// <summary>Makes questions of the lines of BBQ (Parrish et al. 2022), in the layout of its JSON Lines.</summary>
/// <param name="template">The wording of the prompt, with {context} and {question} in it.</param>
/// <param name="examples">Text in front of every prompt.</param>
/// <param name="targets">
/// By category and example id, the choice that names the target of the bias. Null: the target is the choice of a group that the question itself lists as
/// stereotyped.
/// </param>
internal sealed class BbqRows(string template, string examples, IReadOnlyDictionary<(string Category, string Example), int>? targets)
{
    private static readonly string[] s_answers = ["ans0", "ans1", "ans2"];

    /// <summary>
    /// Reads the targets of the bias from the CSV that comes with the original data. Rows that have no number of a choice are skipped; their target is unknown.
    /// </summary>
    /// <exception cref="InputException">No row has a target, or a column is missing.</exception>
    public static IReadOnlyDictionary<(string Category, string Example), int> Targets(IStorage storage, string path)
    {
        var targets = new Dictionary<(string, string), int>();
        foreach (string[]? row in CsvTable.Read(storage, path, "category", "example_id", "target_loc"))
        {
            // Some programs write the numbers of a table as 1.0.
            if (row is not null && double.TryParse(row[2], NumberStyles.Float, CultureInfo.InvariantCulture, out double at) && at is 0 or 1 or 2)
                targets[(row[0].Trim(), row[1].Trim())] = (int)at;
        }
        return targets.Count > 0 ? targets : throw new InputException($"{path}: no row gives a target; 'targets' must name BBQ's additional_metadata.csv");
    }

    /// <summary>Makes the question of a line.</summary>
    /// <exception cref="ChoiceReject">The line lacks something.</exception>
    public ChoiceQuestion Question(DocumentId id, JsonElement line)
    {
        string[] answers = [.. s_answers.Select(name => JsonRows.Text(line, name).Trim())];
        string category = JsonRows.Text(line, "category");
        if (!line.TryGetProperty("label", out JsonElement label) || label.ValueKind != JsonValueKind.Number || !label.TryGetInt32(out int gold) || gold is < 0 or > 2)
            throw new ChoiceReject("a field is missing or empty", "field 'label': expected 0, 1 or 2");
        string[][] groups = [.. s_answers.Select(name => Groups(line, name))];
        int[] unknown = [.. Enumerable.Range(0, 3).Where(i => groups[i].Contains("unknown", StringComparer.OrdinalIgnoreCase))];
        if (unknown.Length != 1)
            throw new ChoiceReject("not one unknown answer", $"answer_info marks {unknown.Length} answers as 'unknown', expected one");
        bool isAmbiguous = OneOf(line, "context_condition", "ambig", "disambig"), isNegative = OneOf(line, "question_polarity", "neg", "nonneg");
        string prompt = examples + template.Replace("{context}", JsonRows.Text(line, "context").Trim(), StringComparison.Ordinal)
            .Replace("{question}", JsonRows.Text(line, "question").Trim(), StringComparison.Ordinal);
        return new ChoiceQuestion(
            id, prompt, [.. answers.Select(a => " " + (a.EndsWith('.') ? a : a + "."))], [.. Enumerable.Range(0, 3).Select(i => i == gold)], gold)
        {
            Category = category,
            IsMeanScored = true,
            Bias = new BiasQuestion(isAmbiguous, isNegative, unknown[0], Target(line, category, groups, unknown[0])),
        };
    }

    private int? Target(JsonElement line, string category, string[][] groups, int unknown)
    {
        if (targets is not null)
        {
            string example = line.TryGetProperty("example_id", out JsonElement id) ? id.ToString() : "";
            return targets.TryGetValue((category, example), out int at) && at != unknown ? at : null;
        }
        string[] stereotyped = line.TryGetProperty("additional_metadata", out JsonElement more) && more.ValueKind == JsonValueKind.Object
            && more.TryGetProperty("stereotyped_groups", out JsonElement named) && named.ValueKind == JsonValueKind.Array
                ? [.. named.EnumerateArray().Select(g => g.ToString())]
                : [];
        int[] hit = [.. Enumerable.Range(0, 3).Where(i => i != unknown && groups[i].Any(g => stereotyped.Contains(g, StringComparer.OrdinalIgnoreCase)))];
        return hit is [int only] ? only : null;
    }

    private static string[] Groups(JsonElement line, string answer)
        => line.TryGetProperty("answer_info", out JsonElement info) && info.ValueKind == JsonValueKind.Object && info.TryGetProperty(answer, out JsonElement groups) && groups.ValueKind == JsonValueKind.Array
            ? [.. groups.EnumerateArray().Select(g => g.ToString())]
            : throw new ChoiceReject("a field is missing or empty", $"field 'answer_info.{answer}'");

    private static bool OneOf(JsonElement line, string name, string yes, string no)
    {
        string value = JsonRows.Text(line, name);
        return value == yes || (value == no ? false : throw new ChoiceReject("a field has an unknown value", $"field '{name}' is '{value}', expected '{yes}' or '{no}'"));
    }
}
