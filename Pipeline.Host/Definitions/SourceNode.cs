using System.Globalization;

namespace Pipeline.Host.Definitions;

internal enum SourceKind
{
    Object,
    Array,
    String,
    Number,
    Boolean,
    Null,
}

/// <summary>A JSON value that remembers where it was written.</summary>
internal sealed class SourceNode(SourceKind kind, string text, SourcePosition position)
{
    public SourceKind Kind { get; } = kind;

    /// <summary>The string's value, or the number or literal as written.</summary>
    public string Text { get; } = text;

    public SourcePosition Position { get; } = position;

    /// <summary>Members of an object, in order.</summary>
    public List<SourceMember> Members { get; } = [];

    /// <summary>Items of an array.</summary>
    public List<SourceNode> Items { get; } = [];

    /// <summary>What a <c>--set</c> said before it was read as JSON: 017 may be meant as a string.</summary>
    public string? SetText { get; init; }

    public SourceNode? this[string name] => Members.Find(m => m.Name == name)?.Value;

    /// <summary>The value at a key path such as <c>models[0].name</c>, or the last one on the way there that was written.</summary>
    public SourceNode Nearest(string path) => Walk(path).Node;

    /// <summary>The value at a key path; null where it was not written.</summary>
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

    /// <summary>As an error message shows it.</summary>
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

internal sealed record SourceMember(string Name, SourcePosition Position, SourceNode Value);
