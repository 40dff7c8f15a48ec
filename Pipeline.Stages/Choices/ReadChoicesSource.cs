using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Choices;

/// <summary>Reads questions with answers to choose from, in the order of the files.</summary>
internal sealed class ReadChoicesSource(ReadChoicesOptions options, StageContext context) : ISource<ChoiceQuestion>
{
    public static StageRegistration Registration { get; } = StageRegistration.Source<ReadChoicesOptions, ChoiceQuestion, ReadChoicesSource>(
        "read-choices", "Reads questions with answers to choose from, in the layouts of TruthfulQA and BBQ or in a plain one.",
        static (o, c) => new ReadChoicesSource(o, c));

    public IAsyncEnumerable<ChoiceQuestion> ReadAsync(CancellationToken cancellationToken) => Read(cancellationToken).ToAsyncEnumerable();

    private IEnumerable<ChoiceQuestion> Read(CancellationToken cancellationToken)
    {
        if (options.Files.Count == 0)
            throw new DefinitionException($"stage '{context.StageName}': 'files' is empty; name at least one");
        string examples = options.Examples is { } file ? ReadText(PathOf(file)) : "";
        long row = 0, end = options.MaxRows == 0 ? long.MaxValue : options.SkipRows + options.MaxRows;
        foreach (string path in options.Files.Select(PathOf))
        {
            ulong hash = ulong.Parse(FileHash.Of(context.Storage, path, cancellationToken).Hash, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            long inFile = 0;
            foreach (Func<DocumentId, ChoiceQuestion> make in Rows(path, examples))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var id = new DocumentId(hash, inFile++, 0);
                if (row++ < options.SkipRows)
                    continue;
                if (row > end)
                    yield break;
                if (Make(make, id, path) is { } question)
                    yield return question;
            }
        }
    }

    private ChoiceQuestion? Make(Func<DocumentId, ChoiceQuestion> make, DocumentId id, string path)
    {
        try
        {
            ChoiceQuestion question = make(id);
            context.Meter.Count("questions", 1);
            return question;
        }
        catch (ChoiceReject e)
        {
            context.Rejects.Reject(id, e.Reason, string.Create(CultureInfo.InvariantCulture, $"{path}: question {id.Row + 1}: {e.Message}"));
            return null;
        }
    }

    private IEnumerable<Func<DocumentId, ChoiceQuestion>> Rows(string path, string examples)
    {
        switch (options.Format)
        {
            case ChoiceFormat.TruthfulQa:
                return TruthfulQaRows.Read(context.Storage, path, examples);
            case ChoiceFormat.Bbq:
                var rows = new BbqRows(options.Template, examples, options.Targets is { } targets ? BbqRows.Targets(context.Storage, PathOf(targets)) : null);
                return JsonRows.Read(context.Storage, path, rows.Question);
            default:
                return JsonRows.Read(context.Storage, path, (id, line) => JsonRows.Plain(id, line, examples));
        }
    }

    private string ReadText(string path)
    {
        using var reader = new StreamReader(context.Storage.OpenRead(path));
        return reader.ReadToEnd();
    }

    private string PathOf(string name)
    {
        string path = RunPaths.Input(context.RunFolder, name);
        return context.Storage.FileExists(path) ? path : throw new InputException($"{path} does not exist; stage '{context.StageName}' names it");
    }
}
