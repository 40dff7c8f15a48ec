namespace Pipeline.Host.Tests.Architecture;

/// <summary>
/// Rooms are the folders of an assembly, namespace and folder alike. Whom each may use stands in <c>docs/architecture.md</c> and nowhere else:
/// a use that the page does not have fails here, and so does a page that would let two rooms use each other.
/// </summary>
public class RoomTests
{
    private const string Page = "docs/architecture.md";

    public static TheoryData<string, string> Assemblies => new() { { "Pipeline.Stages", "Pipeline.Stages.dll" }, { "Pipeline.Host", "alm.dll" } };

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void Every_use_between_rooms_is_on_the_page_and_every_use_on_the_page_is_there(string assembly, string file)
    {
        IReadOnlyDictionary<string, IReadOnlyList<string>> rooms = RoomPage.Rooms(assembly);
        Dictionary<(string From, string To), SortedSet<string>> found = Found(assembly, file, [.. rooms.Keys]);
        string[] unknown = [.. found.Keys.SelectMany(k => new[] { k.From, k.To }).Distinct().Except(rooms.Keys).Where(r => r.Length > 0)];
        Assert.True(unknown.Length == 0, $"{assembly}: no row in {Page} for {string.Join(", ", unknown)}; add one that says what it holds and whom it may use");

        // The root of an assembly (its table of stages, its Main) stands above all rooms: it may use any, and none may use it.
        string[] added = [.. found.Where(f => f.Key.From.Length > 0 && (f.Key.To.Length == 0 || !rooms[f.Key.From].Contains(f.Key.To)))
            .Select(f => $"{f.Key.From} uses {f.Key.To} ({string.Join("; ", f.Value.Take(3))})")];
        Assert.True(added.Length == 0, $"{assembly}: uses that {Page} does not allow. Move the type, or add the edge to the page if it is meant:\n{string.Join("\n", added)}");

        string[] gone = [.. rooms.SelectMany(r => r.Value.Where(to => !found.ContainsKey((r.Key, to))).Select(to => $"{r.Key} uses {to}"))];
        Assert.True(gone.Length == 0, $"{assembly}: {Page} allows what nothing does any more; take it off:\n{string.Join("\n", gone)}");
    }

    /// <summary>So the page reads from what needs nothing to what needs much, and no two rooms can use each other.</summary>
    [Theory]
    [MemberData(nameof(Assemblies))]
    public void A_room_of_the_page_uses_only_rooms_above_it(string assembly, string file)
    {
        Assert.NotEmpty(file);
        IReadOnlyDictionary<string, IReadOnlyList<string>> rooms = RoomPage.Rooms(assembly);
        Assert.NotEmpty(rooms);
        List<string> above = [], wrong = [];
        foreach ((string room, IReadOnlyList<string> uses) in rooms)
        {
            wrong.AddRange(uses.Where(u => !above.Contains(u)).Select(u => $"{room} uses {u}, which stands below it"));
            above.Add(room);
        }
        Assert.True(wrong.Count == 0, $"{assembly}: put the rows of {Page} in order; where none will do, rooms use each other:\n{string.Join("\n", wrong)}");
    }

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void The_rooms_of_the_page_are_the_folders_and_namespaces_are_folders(string assembly, string file)
    {
        Assert.NotEmpty(file);
        (string Path, string Room, string Text)[] files = [.. SourceUses.Files(assembly)];
        Assert.Equal(files.Select(f => f.Room).Where(r => r.Length > 0).Distinct().Order(), RoomPage.Rooms(assembly).Keys.Order());
        Assert.Empty(files.Where(f => SourceUses.NamespaceOf(f.Text) is { Length: > 0 } space && space != (f.Room.Length == 0 ? assembly : $"{assembly}.{f.Room}"))
            .Select(f => $"{f.Path}: namespace {SourceUses.NamespaceOf(f.Text)}"));
    }

    /// <summary>That the reader of assemblies sees what no <c>using</c> shows: else a room could hide behind full names.</summary>
    [Fact]
    public void A_full_name_and_a_type_that_is_only_passed_on_are_uses()
    {
        IReadOnlyDictionary<(string From, string To), SortedSet<string>> uses = RoomUses.Of(typeof(RoomTests).Assembly.Location, "Pipeline.Host.Tests");
        Assert.NotNull(PassedOn());
        SortedSet<string> found = uses[("Architecture", "Stages")];
        Assert.Contains($"{nameof(RoomTests)} -> {nameof(Stages.Shout)}", found);
        Assert.DoesNotContain(found, f => f.EndsWith(nameof(RoomTests), StringComparison.Ordinal));
    }

    private static Func<Stages.Shout, Stages.Shout> PassedOn() => static given => given;

    private static Dictionary<(string From, string To), SortedSet<string>> Found(string assembly, string file, string[] rooms)
    {
        var found = new Dictionary<(string From, string To), SortedSet<string>>(RoomUses.Of(Path.Combine(AppContext.BaseDirectory, file), assembly));
        foreach ((string from, string to, string source) in SourceUses.Of(assembly, rooms))
        {
            if (!found.TryGetValue((from, to), out SortedSet<string>? named))
                found[(from, to)] = named = [];
            named.Add($"using in {source}");
        }
        return found;
    }
}
