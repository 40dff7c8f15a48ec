using System.Globalization;

namespace Pipeline.Host.Definitions;

/// <summary>The kinds of JSON values.</summary>
internal enum SourceKind
{
    Object,
    Array,
    String,
    Number,
    Boolean,
    Null,
}

/// <summary>A JSON value together with the place where it was written.</summary>
internal sealed class SourceNode(SourceKind kind, string text, SourcePosition position)
{
    public SourceKind Kind { get; } = kind;

    /// <summary>The value of a string, or a number or literal as it was written. Empty for objects and arrays.</summary>
    public string Text { get; } = text;

    public SourcePosition Position { get; } = position;

    /// <summary>The members of an object, in order.</summary>
    public List<SourceMember> Members { get; } = [];

    /// <summary>The items of an array.</summary>
    public List<SourceNode> Items { get; } = [];

    /// <summary>The text of a <c>--set</c> before it was read as JSON, because a number such as 1e3 may be meant as a string. Null for other values.</summary>
    public string? SetText { get; init; }

    public SourceNode? this[string name] => Members.Find(m => m.Name == name)?.Value;

    /// <summary>The value at a key path such as <c>models[0].name</c>. If it was not written, the last value on the way there.</summary>
    public SourceNode Nearest(string path) => Walk(path).Node;

    /// <summary>The value at a key path. Null if it was not written.</summary>
    public SourceNode? Find(string path) => Walk(path) is (var node, true) ? node : null;

    private (SourceNode Node, bool IsWhole) Walk(string path)
    {
        SourceNode node = this;
        foreach (string step in path.Split('.', '['))
        {
            SourceNode? next = step.EndsWith(']')
                ? node.Items.ElementAtOrDefault(int.Parse(step.AsSpan(0, step.Length - 1), CultureInfo.InvariantCulture))
                : node[step];
            if (next is null)
                return (node, false);
            node = next;
        }
        return (node, true);
    }

    /// <summary>The value as error messages show it.</summary>
    public string Describe() => Kind switch
    {
        SourceKind.Object => "an object",
        SourceKind.Array => "a list",
        SourceKind.String => $"the string \"{Shorten(Text)}\"",
        SourceKind.Number => $"the number {Shorten(Text)}",
        _ => Text,
    };

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "…";
}

/// <summary>A member of a JSON object.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Position">Where the name was written.</param>
/// <param name="Value">Its value.</param>
internal sealed record SourceMember(string Name, SourcePosition Position, SourceNode Value);
