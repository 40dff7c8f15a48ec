using Pipeline.Contracts.Errors;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Imports;

/// <summary>Reads a column of a Parquet file row by row: the value of each row, or the entries of its list.</summary>
/// <param name="name">The column's name in the definition.</param>
/// <param name="leaf">The column in the file.</param>
internal sealed class EntryColumn(string name, LeafColumn leaf)
{
    private ColumnReader? _reader;
    private bool _more;

    public string Name => name;

    public LeafColumn Leaf => leaf;

    /// <summary>Finds a column by its name and checks its type.</summary>
    /// <param name="reader">An open file.</param>
    /// <param name="name">The name. A dot leads into a struct, or into the structs of a list. The names that the format itself puts between are left out.</param>
    /// <param name="depth">0 for one value in each row, 1 for a list.</param>
    /// <param name="types">The types that it may have.</param>
    /// <exception cref="InputException">There is no such column, or it has another type.</exception>
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

    /// <summary>Goes to the first row of a row group (0-based).</summary>
    public void Open(ColumnFileReader reader, int group)
    {
        _reader = reader.OpenColumn(group, leaf);
        _more = _reader.Read();
    }

    /// <summary>Reads a row and goes to the next one.</summary>
    /// <param name="most">How many entries are kept at most. Further ones are skipped.</param>
    /// <param name="value">Reads an entry, which may be null.</param>
    /// <param name="row">Gets the entries; null where they are not wanted.</param>
    /// <returns>How many entries the row has, with those that were skipped.</returns>
    /// <exception cref="ColumnFormatException">The column is damaged.</exception>
    public int Take<T>(int most, Func<ColumnReader, T> value, List<T>? row)
    {
        if (!_more)
            throw new ColumnFormatException($"'{name}' has fewer entries than its row group has rows");
        if (_reader!.Repetition != 0)
            throw new ColumnFormatException($"the first row of '{name}' begins in the middle of a list");
        int count = 0;
        do
        {
            // At a lower definition level, the list is null or empty.
            if (_reader.Definition >= leaf.RepeatedDefinition && count++ < most)
                row?.Add(value(_reader));
            _more = _reader.Read();
        }
        while (_more && _reader.Repetition > 0);
        return count;
    }

    // The file's tokens.list.element.logprob is called tokens.logprob.
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
