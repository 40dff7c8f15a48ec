using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Choices;

/// <summary>Reads files of text that a stage needs besides its input: Parquet or JSON Lines, by the name.</summary>
internal static class PlainText
{
    public static IAsyncEnumerable<TextDocument> Read(IReadOnlyList<string> files, string column, StageContext context, CancellationToken cancellationToken)
        => files.Select(file => Open(file, column, context)).ToAsyncEnumerable().SelectMany(source => source.ReadAsync(cancellationToken));

    private static ISource<TextDocument> Open(string file, string column, StageContext context)
        => file.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase)
            ? new ReadParquetSource(
                new ReadParquetOptions { Files = [file], Column = column }, InputSelection.Of([file], InputKind.Parquet, 0, 0, context with { Partition = null }), context.Storage, context.Meter, context.Rejects)
            : new ReadJsonlSource(
                new ReadJsonlOptions { Files = [file], Field = column }, InputSelection.Of([file], InputKind.JsonLines, 0, 0, context with { Partition = null }), context.Storage, context.Meter, context.Rejects);
}
