namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>What can be said about a pattern without running it.</summary>
internal static class PatternClasses
{
    /// <summary>Adds all character classes of a pattern, and the class of word characters if it asks for word boundaries.</summary>
    public static void Collect(PatternNode node, List<CodePointSet> classes)
    {
        switch (node)
        {
            case PatternNode.Class c: classes.Add(c.Set); break;
            case PatternNode.Sequence s: Each(s.Items); break;
            case PatternNode.Alternatives a: Each(a.Items); break;
            case PatternNode.Repeat r: Collect(r.Item, classes); break;
            case PatternNode.Atomic a: Collect(a.Item, classes); break;
            case PatternNode.Look l: Collect(l.Item, classes); break;
            case PatternNode.Place { Kind: PlaceKind.WordBoundary or PlaceKind.NotWordBoundary }: classes.Add(CharacterSets.Word); break;
            default: break;
        }

        void Each(IReadOnlyList<PatternNode> items)
        {
            foreach (PatternNode item in items)
                Collect(item, classes);
        }
    }

    /// <summary>The set of characters, if the node always takes exactly one, whatever is around it. Otherwise null.</summary>
    public static CodePointSet? AsSingle(PatternNode node) => node switch
    {
        PatternNode.Class c => c.Set,
        PatternNode.Sequence { Items.Count: 1 } s => AsSingle(s.Items[0]),
        PatternNode.Atomic a => AsSingle(a.Item),
        PatternNode.Alternatives a when a.Items.All(i => AsSingle(i) is not null) => CodePointSet.Union([.. a.Items.Select(i => AsSingle(i)!)]),
        _ => null,
    };

    /// <summary>The characters with which a match of the node can begin (perhaps a few too many), and whether it can match the empty text.</summary>
    public static (CodePointSet First, bool Nullable) First(PatternNode node)
    {
        switch (node)
        {
            case PatternNode.Class c:
                return (c.Set, false);
            case PatternNode.Sequence s:
                CodePointSet first = CodePointSet.Empty;
                foreach (PatternNode item in s.Items)
                {
                    (CodePointSet itemFirst, bool nullable) = First(item);
                    first = CodePointSet.Union(first, itemFirst);
                    if (!nullable)
                        return (first, false);
                }
                return (first, true);
            case PatternNode.Alternatives a:
                var parts = a.Items.Select(First).ToList();
                return (CodePointSet.Union([.. parts.Select(p => p.First)]), parts.Exists(p => p.Nullable));
            case PatternNode.Repeat r:
                (CodePointSet repeated, bool empty) = First(r.Item);
                return (repeated, empty || r.Min == 0);
            case PatternNode.Atomic a:
                return First(a.Item);
            default:
                return (CodePointSet.Empty, true);
        }
    }
}
