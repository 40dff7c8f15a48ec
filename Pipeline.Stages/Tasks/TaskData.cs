using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tasks;

/// <summary>Reads the questions of a task from its files.</summary>
internal sealed class TaskData(IStorage storage, LoadedTask task)
{
    // The columns of BBQ, which BbqRows reads by these names.
    private static readonly string[] s_biasColumns =
        ["context", "question", "ans0", "ans1", "ans2", "category", "label", "context_condition", "question_polarity", "answer_info", "additional_metadata"];

    private readonly Dictionary<string, ulong> _hashes = new(StringComparer.Ordinal);

    /// <summary>The names of the columns that the task reads.</summary>
    public IReadOnlyCollection<string> Columns => task.File.Kind == TaskKind.Bias ? s_biasColumns : [.. task.File.Columns.Values.Select(path => path.Split('.')[0]).Distinct(StringComparer.Ordinal)];

    /// <summary>Why a file cannot be one of the task's: it is unreadable or lacks a column. Null where nothing speaks against it.</summary>
    public string? FaultOf(string path)
    {
        try
        {
            IReadOnlyList<string> there = RowFile.Columns(storage, path);
            string[] missing = [.. Columns.Except(there, StringComparer.Ordinal)];
            return missing.Length == 0 ? null : $"{path} has no column {string.Join(", ", missing.Select(m => $"'{m}'"))}; it has {string.Join(", ", there.Select(n => $"'{n}'"))}: change 'columns' of the task, or give other data";
        }
        catch (InputException e)
        {
            return e.Message;
        }
    }

    /// <summary>
    /// All rows after those to skip: the id of the row, its place for messages, and a function that makes the question. That function throws
    /// <see cref="Choices.ChoiceReject"/> where the row is not a question.
    /// </summary>
    public IEnumerable<(DocumentId Id, string Place, Func<TaskQuestion> Make)> Read(CancellationToken cancellationToken)
    {
        var maker = new QuestionMaker(task.File, [.. Examples(cancellationToken)]);
        long left = task.File.Skip;
        foreach (string path in task.Data)
        {
            foreach (RowObject row in RowFile.Read(storage, path, Columns))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (left-- > 0)
                    continue;
                DocumentId id = IdOf(path, row.Row, cancellationToken);
                yield return (id, string.Create(CultureInfo.InvariantCulture, $"{path}: row {row.Row + 1}"),
                    () => row.Reject is { } reason ? throw new Choices.ChoiceReject(reason, reason + row.Detail) : maker.Question(id, row.Value));
            }
        }
    }

    // Examples that must be like the question may lie anywhere in the file. Of others one more than is needed is enough, as one may be the question itself.
    private IEnumerable<(DocumentId? Id, JsonElement Row)> Examples(CancellationToken cancellationToken)
    {
        if (task.File.Examples is not { } examples || task.File.Shots == 0)
            return [];
        if (task.Examples is not { } path)
            return examples.Rows.Select(row => ((DocumentId?)null, row));
        IEnumerable<(DocumentId?, JsonElement)> rows = RowFile.Read(storage, path, Columns).Where(r => r.Reject is null).Select(r => ((DocumentId?)IdOf(path, r.Row, cancellationToken), r.Value));
        return examples.Alike is null ? rows.Take(task.File.Shots + 1) : rows;
    }

    private DocumentId IdOf(string path, long row, CancellationToken cancellationToken)
    {
        if (!_hashes.TryGetValue(path, out ulong hash))
            _hashes[path] = hash = ulong.Parse(FileHash.Of(storage, path, cancellationToken).Hash, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return new DocumentId(hash, row, 0);
    }
}
