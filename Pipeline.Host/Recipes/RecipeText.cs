using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pipeline.Host.Recipes;

/// <summary>Writes pieces of the text of a definition.</summary>
internal static class RecipeText
{
    private const int CommentColumns = 140;

    private static readonly JsonSerializerOptions Layout = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Json(string text) => JsonSerializer.Serialize(text, Layout);

    /// <summary>A comment, broken into as many lines as it needs, each with a line feed.</summary>
    /// <param name="indent">How many spaces come before each line.</param>
    /// <param name="words">The sentences. If this is empty, there is no comment.</param>
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
