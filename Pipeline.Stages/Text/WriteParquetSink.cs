using System.IO.Compression;
using System.Text;
using Parquet;
using Parquet.Schema;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Text;

/// <summary>Writes documents to a Parquet file, which exists completely or not at all.</summary>
internal sealed class WriteParquetSink(WriteParquetOptions options, string path, IStorage storage, IStageMeter meter, IRejects rejects) : ISink<TextDocument>
{
    private const long RowGroupBytes = 64 << 20;

    public static StageRegistration Registration { get; } = StageRegistration.Sink<WriteParquetOptions, TextDocument, WriteParquetSink>(
        "write-parquet", "Writes documents to a Parquet file with one text column.",
        static (o, c) => new WriteParquetSink(o, RunPaths.Output(c.RunFolder, o.To), c.Storage, c.Meter, c.Rejects))
        .Writing<WriteParquetOptions>(static o => [new StageOutput("to", o.To, OutputKind.Text)]);

    public async Task RunAsync(IAsyncEnumerable<TextDocument> input, CancellationToken cancellationToken)
    {
        var field = new DataField<string>(options.Column, nullable: false);
        using var file = new StagedFile(storage, path);
        var settings = new ParquetOptions { CompressionMethod = CompressionMethod.Zstd, CompressionLevel = CompressionLevel.SmallestSize };
        await using (ParquetWriter writer = await ParquetWriter.CreateAsync(new ParquetSchema(field), file.Stream, settings, cancellationToken: cancellationToken))
        {
            var rows = new List<string>();
            long bytes = 0;
            await foreach (TextDocument document in input.WithCancellation(cancellationToken))
            {
                if (document.Messages is not null)
                {
                    rejects.Reject(document.Id, TextRejects.Conversation, $"{document.Id}: {TextRejects.Conversation}; it cannot be written as text");
                    continue;
                }
                rows.Add(document.Text);
                bytes += Encoding.UTF8.GetByteCount(document.Text);
                if (rows.Count < options.RowGroupRows && bytes < RowGroupBytes)
                    continue;
                await WriteRowGroupAsync(writer, field, rows, cancellationToken);
                bytes = 0;
            }
            if (rows.Count > 0)
                await WriteRowGroupAsync(writer, field, rows, cancellationToken);
        }
        file.Commit();
    }

    private async Task WriteRowGroupAsync(ParquetWriter writer, DataField field, List<string> rows, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using ParquetRowGroupWriter group = writer.CreateRowGroup();
        await group.WriteAsync(field, rows);
        meter.Count("rows", rows.Count);
        rows.Clear();
    }
}
