using System.Text.Json;
using System.Text.RegularExpressions;

using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Tests.Alignment;

/// <summary>
/// A row of <c>golden/alignments</c> as this project sees it. Token strings are in byte letters, so a token's bytes are as many as its
/// letters. Rows made from a prompt say which template keys and contents they were made of (<c>note</c>); the other rows are text.
/// </summary>
internal sealed partial class GoldenAlignment
{
    private readonly JsonElement _row;
    private readonly JsonElement _kinds;

    private GoldenAlignment(JsonElement row, JsonElement kinds)
    {
        _row = row;
        _kinds = kinds;
    }

    public string Id => _row.GetProperty("id").GetString()!;

    public string Category => _row.GetProperty("category").GetString()!;

    public string? Note => _row.GetProperty("note").GetString();

    public string TeacherKind => _row.GetProperty("kind_teacher").GetString()!;

    public string StudentKind => _row.GetProperty("kind_student").GetString()!;

    public string[] TeacherTokens => Strings(_row.GetProperty("tokens_teacher"));

    public string[] StudentTokens => Strings(_row.GetProperty("tokens_student"));

    public bool[] TeacherUsed => Used("attention_mask_teacher");

    public bool[] StudentUsed => Used("attention_mask_student");

    /// <summary>Chunks before the reference drops those whose strings differ.</summary>
    public Chunk[] Unchecked => Chunks("alignment_indices_unchecked");

    /// <summary>
    /// What the reference keeps, with the positions it skips taken off the front of a chunk: its index pairs still span a template
    /// token that the other side lacks, its matrices do not.
    /// </summary>
    public Chunk[] Kept
    {
        get
        {
            string[] teacher = Strings(Output("normalized_tokens_teacher")), student = Strings(Output("normalized_tokens_student"));
            return Array.ConvertAll(Chunks("alignment_indices"), c =>
            {
                int i = c.TeacherStart, j = c.StudentStart;
                while (i < c.TeacherEnd && teacher[i].Length == 0)
                    i++;
                while (j < c.StudentEnd && student[j].Length == 0)
                    j++;
                return new Chunk(i, c.TeacherEnd, j, c.StudentEnd);
            });
        }
    }

    public TokenSequence Teacher => View(TeacherTokens, TeacherUsed, TeacherKind);

    public TokenSequence Student => View(StudentTokens, StudentUsed, StudentKind);

    public static IEnumerable<GoldenAlignment> ReadAll(string shared)
    {
        string folder = Path.Combine(shared, "golden", "alignments");
        JsonElement kinds = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "model_kinds.json"))).RootElement;
        foreach (string line in File.ReadLines(Path.Combine(folder, "alignments.jsonl")))
            yield return new GoldenAlignment(JsonDocument.Parse(line).RootElement, kinds);
    }

    /// <summary>The tokens a model kind has for a template key; none when it has no such thing.</summary>
    public string[] Replacement(string kind, string key)
    {
        JsonElement value = _kinds.GetProperty(kind).GetProperty("replacements").GetProperty(key);
        return value.ValueKind == JsonValueKind.Null ? [] : Strings(value);
    }

    public bool IsTemplateToken(string kind, string token)
        => _kinds.GetProperty(kind).GetProperty("replacements").EnumerateObject()
            .Any(p => p.Value.ValueKind == JsonValueKind.Array && Strings(p.Value)[0] == token);

    private TokenSequence View(string[] tokens, bool[] used, string kind)
        => Note is { } note && note.Contains("<|<bos>|>", StringComparison.Ordinal)
            ? FromPrompt(note, tokens, kind)
            : FromTokens(tokens, used, kind);

    private TokenSequence FromTokens(string[] tokens, bool[] used, string kind)
    {
        string[] specials = Strings(_kinds.GetProperty(kind).GetProperty("special_tokens"));
        int[] ends = new int[tokens.Length];
        ushort[] units = new ushort[tokens.Length];
        int end = 0;
        for (int i = 0; i < tokens.Length; i++)
        {
            if (!used[i] || specials.Contains(tokens[i]))
                units[i] = UnitLabels.Unpaired;
            else
                end += tokens[i].Length;
            ends[i] = end;
        }
        return new TokenSequence(new int[tokens.Length], ends, units);
    }

    /// <summary>The k-th piece of the prompt is unit k; a piece that the length limit cut is no unit any more, and padding is none.</summary>
    private TokenSequence FromPrompt(string note, string[] tokens, string kind)
    {
        List<int> ends = [];
        List<ushort> units = [];
        int end = 0, piece = 0;
        foreach (string part in TemplateKey().Split(note).Where(p => p.Length > 0))
        {
            if (TemplateKey().IsMatch(part))
            {
                string[] replacement = Replacement(kind, part);
                bool whole = ends.Count + replacement.Length <= tokens.Length;
                foreach (string token in replacement.Take(tokens.Length - ends.Count))
                {
                    Assert.Equal(token, tokens[ends.Count]);
                    ends.Add(end);
                    units.Add(whole ? (ushort)(UnitLabels.FirstTemplateUnit + piece) : UnitLabels.Unpaired);
                }
            }
            else
            {
                int stop = end + System.Text.Encoding.UTF8.GetByteCount(part);
                while (ends.Count < tokens.Length && end < stop)
                {
                    end += tokens[ends.Count].Length;
                    ends.Add(end);
                    units.Add(UnitLabels.Text);
                }
                Assert.True(ends.Count == tokens.Length || end == stop);
            }
            piece++;
        }
        while (ends.Count < tokens.Length)
        {
            ends.Add(end);
            units.Add(UnitLabels.Unpaired);
        }
        return new TokenSequence(new int[tokens.Length], [.. ends], [.. units]);
    }

    private JsonElement Output(string name) => _row.GetProperty("output").GetProperty(name);

    private bool[] Used(string name) => [.. _row.GetProperty(name).EnumerateArray().Select(e => e.GetInt32() != 0)];

    private Chunk[] Chunks(string name)
        => [.. Output(name).EnumerateArray().Select(e => new Chunk(e[0].GetInt32(), e[1].GetInt32(), e[2].GetInt32(), e[3].GetInt32()))];

    private static string[] Strings(JsonElement array) => [.. array.EnumerateArray().Select(e => e.GetString()!)];

    [GeneratedRegex(@"(<\|<\w+>\|>)")]
    private static partial Regex TemplateKey();
}
