using System.Runtime.CompilerServices;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.Stages.Demonstrations;

/// <summary>
/// Reads several columns of the same files side by side. A row that one column's reader rejects is rejected once, whatever the others make
/// of it, so that what is given always has every column.
/// </summary>
/// <param name="order">Hash of a file to its place in the input.</param>
/// <param name="rejects">Gets each rejected row once, with the column's name.</param>
internal sealed class ColumnJoin(IReadOnlyDictionary<ulong, int> order, IRejects rejects)
{
    private readonly SortedSet<(int File, long Row)> _rejected = [];

    /// <summary>What the reader of a column rejects to.</summary>
    public IRejects RejectsOf(string column) => new ColumnRejects(this, column, rejects);

    /// <summary>One array for each row that every column has, in the order of the columns.</summary>
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
                // Those behind this row are past it because they rejected it, and have said so.
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
