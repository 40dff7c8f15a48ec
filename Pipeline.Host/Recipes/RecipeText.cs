using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pipeline.Host.Recipes;

/// <summary>Pieces of a definition's text.</summary>
internal static class RecipeText
{
    private const int CommentColumns = 140;

    private static readonly JsonSerializerOptions Layout = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Json(string text) => JsonSerializer.Serialize(text, Layout);

    /// <summary>A comment on as many lines as it needs.</summary>
    /// <param name="indent">Spaces before each.</param>
    /// <param name="words">Sentences; empty: no comment.</param>
    public static string Comment(int indent, string words)
    {
        string margin = new string(' ', indent) + "//";
        var lines = new List<string>();
        string line = margin;
        foreach (string word in words.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length + 1 + word.Length > CommentColumns)
            {
                lines.Add(line);
                line = margin;
            }
            line += " " + word;
        }
        return line == margin ? string.Concat(lines.Select(l => l + "\n")) : string.Concat(lines.Append(line).Select(l => l + "\n"));
    }
}
