using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Parquet;

namespace Pipeline.Stages.Text;

/// <summary>
/// Reads columns of a Parquet file side by side as JSON objects. The columns can have text, numbers and truth values, structs of these, and lists of either.
/// </summary>
internal static class RowColumns
{
    public static IEnumerable<RowObject> Read(IStorage storage, string path, IReadOnlyCollection<string> columns)
    {
        using ColumnFileReader reader = ColumnFileReader.Open(storage, path);
        LeafColumn[] leaves = [.. columns.SelectMany(name => Leaves(reader, name))];
        ColumnFaults.Require(reader, leaves);
        long row = 0;
        for (int group = 0; group < reader.File.RowGroups.Count; group++)
        {
            Entries[] entries = [.. leaves.Select(leaf => new Entries(reader, group, leaf))];
            for (long i = 0; i < reader.File.RowGroups[group].Rows; i++)
                yield return Row(row++, entries);
        }
    }

    private static LeafColumn[] Leaves(ColumnFileReader reader, string name)
    {
        LeafColumn[] leaves = [.. reader.File.Leaves.Where(l => l.Top == name)];
        if (leaves.Length == 0)
            throw new InputException($"{reader.Path} has no column '{name}'; it has {string.Join(", ", reader.File.ColumnNames.Select(n => $"'{n}'"))}");
        if (leaves.FirstOrDefault(l => l.MaxRepetition > 1) is { } deep)
            throw new InputException($"{reader.Path}: column '{deep}' has lists within lists, which are not supported in Parquet; write it as JSON Lines");
        return leaves;
    }

    private static RowObject Row(long row, Entries[] columns)
    {
        var value = new JsonObject();
        string? reject = null;
        foreach (Entries column in columns)
        {
            if (!column.AddTo(value))
                reject = TextRejects.NotUtf8;
        }
        return reject is null ? new RowObject(row, JsonSerializer.SerializeToElement(value)) : new RowObject(row, default, reject);
    }

    /// <summary>The entries of one leaf, row by row.</summary>
    private sealed class Entries
    {
        private readonly ColumnFileReader _file;
        private readonly int _group;
        private readonly LeafColumn _leaf;
        private readonly ColumnReader _reader;

        // The names down to the list, and from there down to the value inside an element. Without a list, the first is the whole path.
        private readonly string[] _listPath;
        private readonly string[] _elementPath;

        // The list is not null from this definition level on.
        private readonly int _listDefinition;
        private bool _more;

        public Entries(ColumnFileReader file, int group, LeafColumn leaf)
        {
            (_file, _group, _leaf) = (file, group, leaf);
            int list = Array.FindIndex(leaf.Nodes, n => n.Repetition == Repetition.Repeated);
            string[] names = [.. leaf.Path];
            // In a list, the schema has two nodes that are no fields: the repeated node, and the element inside it. Old writers leave out the second, or
            // both.
            bool isFieldItself = list == 0 || (list > 0 && !leaf.Nodes[list - 1].IsList);
            bool isElementItself = isFieldItself || (list >= 0 && leaf.Nodes[list].Children > 1);
            _listPath = list < 0 ? names : names[..(isFieldItself ? list + 1 : list)];
            _elementPath = list < 0 ? [] : names[Math.Min(names.Length, list + (isElementItself ? 1 : 2))..];
            _listDefinition = list < 0 ? 0 : leaf.Nodes[..list].Count(n => n.Repetition != Repetition.Required);
            _reader = Guarded(() => file.OpenColumn(group, leaf));
            _more = Guarded(_reader.Read);
        }

        /// <summary>Puts the values of the next row where they belong. False if a text is not UTF-8.</summary>
        public bool AddTo(JsonObject row) => Guarded(() =>
        {
            if (!_more)
                throw new ColumnFormatException("it has fewer values than its row group has rows");
            bool isText = true;
            int at = 0;
            do
            {
                if (_leaf.MaxRepetition == 0)
                {
                    Set(row, _listPath, Value(ref isText));
                }
                else if (_reader.Definition < _listDefinition)
                {
                    Set(row, _listPath, null);
                }
                else
                {
                    JsonArray list = List(row);
                    // Below this level the list is empty.
                    if (_reader.Definition >= _leaf.RepeatedDefinition)
                        Add(list, at++, Value(ref isText));
                }
                _more = _reader.Read();
            }
            while (_more && _reader.Repetition > 0);
            return isText;
        });

        private JsonNode? Value(ref bool isText)
        {
            if (!_reader.HasValue)
                return null;
            if (_leaf.Physical != PhysicalType.ByteArray)
                return JsonScalar.Of(_reader.Scalar);
            ReadOnlySpan<byte> value = _reader.Value;
            if (Utf8.IsValid(value))
                return JsonValue.Create(System.Text.Encoding.UTF8.GetString(value));
            isText = false;
            return null;
        }

        private JsonArray List(JsonObject row)
        {
            JsonObject parent = Struct(row, _listPath[..^1]);
            if (parent[_listPath[^1]] is not JsonArray list)
                parent[_listPath[^1]] = list = [];
            return list;
        }

        private void Add(JsonArray list, int at, JsonNode? value)
        {
            if (_elementPath.Length == 0)
            {
                list.Add(value);
                return;
            }
            while (list.Count <= at)
                list.Add(new JsonObject());
            Set((JsonObject)list[at]!, _elementPath, value);
        }

        private static void Set(JsonObject row, string[] path, JsonNode? value) => Struct(row, path[..^1])[path[^1]] = value;

        private static JsonObject Struct(JsonObject row, string[] path)
        {
            foreach (string name in path)
            {
                if (row[name] is not JsonObject inner)
                    row[name] = inner = [];
                row = inner;
            }
            return row;
        }

        private T Guarded<T>(Func<T> read)
        {
            try
            {
                return read();
            }
            catch (Exception e) when (e is ColumnFormatException or EndOfStreamException)
            {
                throw _file.Damage(_group, _leaf.ToString(), e);
            }
        }
    }
}
