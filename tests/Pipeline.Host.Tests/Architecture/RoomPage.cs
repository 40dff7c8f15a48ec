namespace Pipeline.Host.Tests.Architecture;

/// <summary>The tables of rooms in <c>docs/architecture.md</c>: which there are, in the order of the page, and whom each may use.</summary>
internal static class RoomPage
{
    /// <summary>The rooms of one assembly.</summary>
    /// <param name="assembly">Its name, which is the heading that its table stands under.</param>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Rooms(string assembly)
    {
        IEnumerable<string> section = File.ReadLines(Path.Combine(Repository.Root, "docs", "architecture.md"))
            .SkipWhile(l => l != $"## {assembly}").Skip(1).TakeWhile(l => !l.StartsWith("## ", StringComparison.Ordinal));
        var rooms = new OrderedDictionary<string, IReadOnlyList<string>>();
        foreach (string line in section.Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Skip(1))
        {
            string[] cells = [.. line.Trim('|').Split('|').Select(c => c.Trim())];
            Assert.True(cells.Length == 3, $"docs/architecture.md: expected three cells, room, what it holds, whom it may use: {line}");
            rooms.Add(cells[0], cells[2].Split(", ", StringSplitOptions.RemoveEmptyEntries));
        }
        return rooms;
    }
}
