using System.Runtime.CompilerServices;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Demonstrations;

/// <summary>
/// Reads several columns of the same files side by side and joins them by row. A row that the reader of any column rejects is left out, so that all rows
/// that come out have every column.
/// </summary>
/// <param name="order">By the hash of a file, its place in the input.</param>
/// <param name="rejects">Gets each rejected row once, with the name of the first column that rejected it.</param>
internal sealed class ColumnJoin(IReadOnlyDictionary<ulong, int> order, IRejects rejects)
{
    private readonly SortedSet<(int File, long Row)> _rejected = [];

    /// <summary>Where the reader of a column must report its rejects.</summary>
    public IRejects RejectsOf(string column) => new ColumnRejects(this, column, rejects);

    /// <summary>For each row that every column has, the column's values. Both rows and columns are in order.</summary>
    /// <param name="columns">One reader for each column. All read the same files in the same order.</param>
    /// <param name="cancellationToken">Stops the readers.</param>
    public async IAsyncEnumerable<TextDocument[]> ReadAsync(IReadOnlyList<ISource<TextDocument>> columns, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IAsyncEnumerator<TextDocument>[] readers = [.. columns.Select(c => c.ReadAsync(cancellationToken).GetAsyncEnumerator(cancellationToken))];
        try
        {
            var there = new bool[readers.Length];
            for (int i = 0; i < readers.Length; i++)
                there[i] = await readers[i].MoveNextAsync();
            while (there.Any(t => t))
            {
                (int, long) next = Enumerable.Range(0, readers.Length).Where(i => there[i]).Min(i => PlaceOf(readers[i].Current.Id));
                bool[] isHere = [.. Enumerable.Range(0, readers.Length).Select(i => there[i] && PlaceOf(readers[i].Current.Id) == next)];
                TextDocument[] row = [.. readers.Where((_, i) => isHere[i]).Select(r => r.Current)];
                // A reader that does not have this row is already past it: it rejected the row and reported that.
                if (row.Length == readers.Length)
                    yield return row;
                while (_rejected.Count > 0 && _rejected.Min.CompareTo(next) < 0)
                    _rejected.Remove(_rejected.Min);
                for (int i = 0; i < readers.Length; i++)
                    there[i] = isHere[i] ? await readers[i].MoveNextAsync() : there[i];
            }
        }
        finally
        {
            foreach (IAsyncEnumerator<TextDocument> reader in readers)
                await reader.DisposeAsync();
        }
    }

    private (int File, long Row) PlaceOf(DocumentId id) => (order[id.File], id.Row);

    private sealed class ColumnRejects(ColumnJoin join, string column, IRejects rejects) : IRejects
    {
        public void Reject(DocumentId id, string reason, string message)
        {
            if (join._rejected.Add(join.PlaceOf(id)))
                rejects.Reject(id, reason, $"column '{column}': {message}");
        }
    }
}
