using Pipeline.Contracts.Errors;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Imports;

/// <summary>A column of a Parquet file, row by row: of each row its value, or those of its list.</summary>
/// <param name="name">As the definition has it.</param>
/// <param name="leaf">Where it is.</param>
internal sealed class EntryColumn(string name, LeafColumn leaf)
{
    private ColumnReader? _reader;
    private bool _more;

    public string Name => name;

    public LeafColumn Leaf => leaf;

    /// <param name="reader">Open.</param>
    /// <param name="name">A dot leads into a struct, or into those of a list; names that the format puts between are left out.</param>
    /// <param name="depth">0: one value for each row; 1: a list.</param>
    /// <param name="types">What it may hold.</param>
    /// <exception cref="InputException">There is no such column, or it holds something else.</exception>
    public static EntryColumn Find(ColumnFileReader reader, string name, int depth, params ReadOnlySpan<PhysicalType> types)
    {
        LeafColumn[] found = [.. reader.File.Leaves.Where(l => l.ToString() == name || NameOf(l) == name)];
        if (found.Length != 1)
        {
            throw new InputException(found.Length > 1 ? $"{reader.Path} has {found.Length} columns '{name}'; rename all but one"
                : $"{reader.Path} has no column '{name}'; it has {string.Join(", ", reader.File.Leaves.Select(l => $"'{NameOf(l)}'"))}");
        }
        LeafColumn leaf = found[0];
        if (leaf.MaxRepetition != depth)
            throw new InputException($"{reader.Path}: column '{name}' is {(leaf.MaxRepetition == 0 ? "not a list" : "a list")}{(leaf.MaxRepetition > 1 ? " of lists" : "")}; expected {(depth == 0 ? "one value in each row" : "a list")}");
        if (!types.Contains(leaf.Physical))
            throw new InputException($"{reader.Path}: column '{name}' holds {leaf.Physical} values; expected {string.Join(" or ", types.ToArray())}");
        return new EntryColumn(name, leaf);
    }

    public void Open(ColumnFileReader reader, int group)
    {
        _reader = reader.OpenColumn(group, leaf);
        _more = _reader.Read();
    }

    /// <summary>Steps over a row.</summary>
    /// <param name="most">Entries that a row may have; what is above it is stepped over and not kept.</param>
    /// <param name="value">Makes one of an entry, which may be null.</param>
    /// <param name="row">Where the entries go; null: nowhere.</param>
    /// <returns>How many entries the row has.</returns>
    public int Take<T>(int most, Func<ColumnReader, T> value, List<T>? row)
    {
        if (!_more)
            throw new ColumnFormatException($"'{name}' has fewer entries than its row group has rows");
        if (_reader!.Repetition != 0)
            throw new ColumnFormatException($"the first row of '{name}' begins in the middle of a list");
        int count = 0;
        do
        {
            // Below this level the list is null or has no entry.
            if (_reader.Definition >= leaf.RepeatedDefinition && count++ < most)
                row?.Add(value(_reader));
            _more = _reader.Read();
        }
        while (_more && _reader.Repetition > 0);
        return count;
    }

    // tokens.list.element.logprob is tokens.logprob.
    private static string NameOf(LeafColumn leaf)
    {
        var names = new List<string>();
        for (int i = 0; i < leaf.Nodes.Length; i++)
        {
            names.Add(leaf.Nodes[i].Name);
            if (leaf.Nodes[i].IsList)
                i += 2;
        }
        return string.Join('.', names);
    }
}
