using System.Buffers;
using System.IO.Hashing;
using System.Text;
using Parquet;
using Parquet.Schema;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Parquet;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tests.Text;

public sealed class ReadParquetTests : IDisposable
{
    private const string Numbered = "SELECT 'document ' || i || ' has ' || repeat('é', (i % 7)::BIGINT) || ' in it' AS text, i FROM range(5000) t(i)";

    private readonly StageHarness _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("COMPRESSION zstd")]
    [InlineData("COMPRESSION snappy")]
    [InlineData("COMPRESSION gzip")]
    [InlineData("COMPRESSION uncompressed")]
    [InlineData("COMPRESSION zstd, PARQUET_VERSION v2")]
    [InlineData("COMPRESSION gzip, PARQUET_VERSION v2")]
    [InlineData("COMPRESSION snappy, PARQUET_VERSION v2, ROW_GROUP_SIZE 2048")]
    [InlineData("COMPRESSION uncompressed, PARQUET_VERSION v2")]
    [InlineData("COMPRESSION zstd, ROW_GROUP_SIZE 2048")]
    public async Task Files_of_DuckDB_are_read_as_DuckDB_reads_them(string options)
    {
        string path = _run.PathOf("a.parquet");
        Duck.Write(path, Numbered, options);

        List<TextDocument> documents = await StageHarness.ReadAsync(Source(path));

        Assert.Equal(Duck.Texts($"SELECT text FROM '{path}'"), documents.Select(d => d.Text));
        Assert.Equal(Enumerable.Range(0, 5000).Select(i => new DocumentId(XxHash3.HashToUInt64(File.ReadAllBytes(path)), i, 0)), documents.Select(d => d.Id));
        Assert.Equal(5000, _run.Counts["documents"]);
        Assert.Equal((5000, 5000), _run.LastProgress);
    }

    [Theory]
    [InlineData("COMPRESSION zstd")]
    [InlineData("COMPRESSION zstd, PARQUET_VERSION v2")]
    public async Task Few_distinct_values_come_out_of_their_dictionary(string options)
    {
        string path = _run.PathOf("a.parquet");
        Duck.Write(path, "SELECT CASE WHEN i % 11 = 3 THEN NULL ELSE 'value ' || (i % 5) END AS text FROM range(30000) t(i)", options);

        List<TextDocument> documents = await StageHarness.ReadAsync(Source(path));

        Assert.Equal(Duck.Texts($"SELECT text FROM '{path}'").Where(t => t is not null), documents.Select(d => d.Text));
        Assert.All(documents, d => Assert.NotEqual(3, d.Id.Row % 11));
        Assert.Equal(30000 - documents.Count, _run.Rejected.Count(r => r.Reason == "text is null"));
    }

    [Theory]
    [InlineData(CompressionMethod.None)]
    [InlineData(CompressionMethod.Snappy)]
    [InlineData(CompressionMethod.Gzip)]
    [InlineData(CompressionMethod.Zstd)]
    public async Task Files_of_another_writer_are_read(CompressionMethod compression)
    {
        string path = _run.PathOf("a.parquet");
        string[][] groups = [.. Enumerable.Range(0, 5).Select(g => Enumerable.Range(0, 300).Select(i => $"group {g} row {i} ünï").ToArray())];
        await WriteAsync(path, compression, groups);

        List<TextDocument> documents = await StageHarness.ReadAsync(Source(path));

        Assert.Equal(groups.SelectMany(g => g), documents.Select(d => d.Text));
    }

    [Fact]
    public async Task Parts_together_are_the_whole_and_read_only_their_own_row_groups()
    {
        var counting = new CountingStorage();
        _run.Storage = counting;
        _run.Add(new InputCatalog(counting));
        string first = _run.PathOf("a.parquet"), second = _run.PathOf("b.parquet");
        // The texts cannot be compressed, so that the number of bytes read shows which row groups were read.
        Duck.Write(first, "SELECT i || md5(i::VARCHAR) || md5((i + 7)::VARCHAR) || sha256(i::VARCHAR) AS text FROM range(20480) t(i)", "ROW_GROUP_SIZE 2048");
        Duck.Write(second, "SELECT 'b' || i || sha256(i::VARCHAR) AS text FROM range(777) t(i)");
        ReadParquetOptions options = new() { Files = [first, second], SkipRows = 11, MaxRows = 21001 };
        List<TextDocument> whole = await StageHarness.ReadAsync(Made.ReadParquet(options, _run.Context()));
        Assert.Equal(21001, whole.Count);

        foreach (int count in (int[])[1, 2, 3, 7, 16])
        {
            var parts = new List<TextDocument>();
            for (int index = 0; index < count; index++)
            {
                counting.BytesRead = 0;
                parts.AddRange(await StageHarness.ReadAsync(Made.ReadParquet(options, _run.Context(new Partition(index, count)))));
                if (count == 16)
                    Assert.InRange(counting.BytesRead, 1, new FileInfo(first).Length / 4);
            }
            Assert.Equal(whole, parts);
        }
    }

    [Fact]
    public async Task Of_a_single_huge_row_group_only_the_pages_with_wanted_rows_are_read()
    {
        const int Pages = 64, RowsPerPage = 16, RowBytes = 4096;
        var counting = new CountingStorage();
        _run.Storage = counting;
        _run.Add(new InputCatalog(counting));
        string path = _run.PathOf("a.parquet");
        string[] rows = [.. Enumerable.Range(0, Pages * RowsPerPage).Select(i => $"row {i} ".PadRight(RowBytes, (char)('a' + (i % 26))))];
        File.WriteAllBytes(path, OneRowGroup(rows, RowsPerPage));
        Assert.Equal(rows, Duck.Texts($"SELECT text FROM '{path}'"));
        Assert.Equal(rows, (await StageHarness.ReadAsync(Source(path))).Select(d => d.Text));

        counting.BytesRead = 0;
        var some = Made.ReadParquet(new() { Files = [path], SkipRows = 60 * RowsPerPage, MaxRows = 3 }, _run.Context());
        Assert.Equal(rows[960..963], (await StageHarness.ReadAsync(some)).Select(d => d.Text));
        Assert.InRange(counting.BytesRead, 3 * RowBytes, new FileInfo(path).Length / 8);
    }

    // One required column, one row group, plain pages without compression.
    private static byte[] OneRowGroup(string[] rows, int rowsPerPage)
    {
        var file = new ArrayBufferWriter<byte>();
        file.Write("PAR1"u8);
        foreach (string[] page in rows.Chunk(rowsPerPage))
        {
            byte[] body = [.. page.SelectMany(r => (byte[])[.. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(r)), .. Encoding.UTF8.GetBytes(r)])];
            new CompactWriter(file).Fields(w => w.Int32(1, 0).Int32(2, body.Length).Int32(3, body.Length)
                .Struct(5, d => d.Int32(1, page.Length).Int32(2, 0).Int32(3, 3).Int32(4, 3)));
            file.Write(body);
        }
        int start = file.WrittenCount, data = start - 4;
        new CompactWriter(file).Fields(w => w.Int32(1, 1)
            .Structs(2, [0, 1], (s, node) => _ = node == 0
                ? s.Int32(3, 0).Text(4, "root").Int32(5, 1)
                : s.Int32(1, 6).Int32(3, 0).Text(4, "text").Int32(6, 0))
            .Int64(3, rows.Length)
            .Structs(4, [0], (g, _) => g
                .Structs(1, [0], (c, _) => c.Int64(2, 4).Struct(3, m => m.Int32(1, 6).Int32s(2, [0, 3]).Texts(3, ["text"]).Int32(4, 0)
                    .Int64(5, rows.Length).Int64(6, data).Int64(7, data).Int64(9, 4)))
                .Int64(2, data)
                .Int64(3, rows.Length)));
        file.Write(BitConverter.GetBytes(file.WrittenCount - start));
        file.Write("PAR1"u8);
        return file.WrittenSpan.ToArray();
    }

    [Fact]
    public async Task Conversations_are_read_from_a_list_of_structs()
    {
        string path = _run.PathOf("a.parquet");
        Duck.Write(path, """
            SELECT CASE i % 5
              WHEN 0 THEN NULL
              WHEN 1 THEN []
              WHEN 2 THEN [{'role': 'user', 'content': 'q' || i}]
              WHEN 3 THEN [{'role': 'user', 'content': 'q' || i}, {'role': 'assistant', 'content': 'a' || i}]
              ELSE [{'role': 'user', 'content': NULL}] END AS messages FROM range(50) t(i)
            """);
        var source = Made.ReadParquet(new() { Files = [path], Messages = "messages", SkipRows = 2 }, _run.Context());

        List<TextDocument> documents = await StageHarness.ReadAsync(source);

        Assert.Equal(Enumerable.Range(2, 48).Where(i => i % 5 is 2 or 3).Select(i => (long)i), documents.Select(d => d.Id.Row));
        Assert.All(documents, d => Assert.Equal("", d.Text));
        foreach (TextDocument document in documents)
        {
            ChatMessage[] expected = [new("user", $"q{document.Id.Row}"), new("assistant", $"a{document.Id.Row}")];
            Assert.Equal(expected[..(document.Id.Row % 5 == 2 ? 1 : 2)], document.Messages!);
        }
        Assert.Equal(18, _run.Rejected.Count(r => r.Reason == "messages are null or empty"));
        Assert.Equal(10, _run.Rejected.Count(r => r.Reason == "a message has no role or no content"));
    }

    [Fact]
    public async Task Numbers_and_truth_values_of_messages_are_carried_and_others_reject()
    {
        string path = _run.PathOf("a.parquet");
        Duck.Write(path, """
            SELECT [{'role': 'user', 'content': 'q', 'weight': 0.5::DOUBLE, 'train': i < 9, 'turn': i - 7, 'of': {'part': i::TINYINT},
                     'at': CASE WHEN i = 1 THEN DATE '2026-01-01' END, 'ratio': CASE WHEN i = 2 THEN 'nan'::FLOAT END, 'price': CASE WHEN i = 3 THEN 1.5::DECIMAL(4, 1) END,
                     'parts': CASE WHEN i = 4 THEN [1, 2] END}] AS messages FROM range(5) t(i)
            """);

        List<TextDocument> documents = await StageHarness.ReadAsync(Made.ReadParquet(new() { Files = [path], Messages = "messages" }, _run.Context()));

        ChatMessage message = Assert.Single(Assert.Single(documents).Messages!);
        Assert.Equal("""{"role":"","content":"","weight":0.5,"train":true,"turn":-7,"of":{"part":0}}""", message.Fields);
        Assert.All(_run.Rejected, r => Assert.Equal("a field that the chat template cannot be given", r.Reason));
        Assert.Equal(["at", "ratio", "price", "parts"], _run.Rejected.Select(r => r.Message.Split('\'')[1]));
    }

    [Fact]
    public async Task Texts_of_a_struct_are_read_by_a_dotted_name()
    {
        string path = _run.PathOf("a.parquet");
        Duck.Write(path, "SELECT CASE WHEN i = 2 THEN NULL ELSE {'body': 'text ' || i, 'n': i} END AS doc FROM range(5) t(i)");

        List<TextDocument> documents = await StageHarness.ReadAsync(Made.ReadParquet(new() { Files = [path], Column = "doc.body" }, _run.Context()));

        Assert.Equal(["text 0", "text 1", "text 3", "text 4"], documents.Select(d => d.Text));
    }

    [Fact]
    public async Task A_text_above_the_limit_is_rejected_and_the_next_is_read()
    {
        string path = _run.PathOf("a.parquet");
        Duck.Write(path, "SELECT CASE WHEN i = 1 THEN repeat('x', 67108864) ELSE 'short ' || i END AS text FROM range(3) t(i)");

        List<TextDocument> documents = await StageHarness.ReadAsync(Source(path));

        Assert.Equal(["short 0", "short 2"], documents.Select(d => d.Text));
        var reject = Assert.Single(_run.Rejected);
        Assert.Equal(("text is longer than maxDocumentBytes", 1L), (reject.Reason, reject.Id.Row));
        Assert.Contains("67108864 bytes", reject.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Empty_texts_are_rejected_and_counted()
    {
        string path = _run.PathOf("a.parquet");
        Duck.Write(path, "SELECT CASE WHEN i % 2 = 0 THEN '' ELSE 'x' END AS text FROM range(10) t(i)");
        Assert.Equal(5, (await StageHarness.ReadAsync(Source(path))).Count);
        Assert.Equal(5, _run.Rejected.Count(r => r.Reason == "text is empty"));
    }

    [Fact]
    public async Task Bytes_that_are_not_UTF8_are_rejected_although_the_schema_says_text()
    {
        string path = _run.PathOf("a.parquet");
        Duck.Write(path, "SELECT 'valid @@@@ ' || i AS text FROM range(4) t(i)", "COMPRESSION uncompressed");
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.AsSpan().IndexOf("@@@@"u8)] = 0xff;
        File.WriteAllBytes(path, bytes);

        Assert.Equal(3, (await StageHarness.ReadAsync(Source(path))).Count);
        Assert.Equal("text is not UTF-8", Assert.Single(_run.Rejected).Reason);
    }

    [Fact]
    public async Task A_file_without_rows_is_allowed_and_said()
    {
        string path = _run.PathOf("a.parquet");
        Duck.Write(path, "SELECT 'x' AS text WHERE false");
        Assert.Empty(await StageHarness.ReadAsync(Source(path)));
        Assert.Contains(_run.Said, s => s.Contains("has no rows", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Globs_are_read_in_ordinal_order_and_run_paths_below_the_run_folder()
    {
        foreach (string name in (string[])["b.parquet", "a.parquet", "B.parquet", "deep/er/c.parquet", "other.txt"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_run.PathOf(name))!);
            Duck.Write(_run.PathOf(name), $"SELECT '{name}' AS text");
        }
        Assert.Equal(
            ["B.parquet", "a.parquet", "b.parquet"],
            (await StageHarness.ReadAsync(Made.ReadParquet(new() { Files = ["run:*.parquet"] }, _run.Context()))).Select(d => d.Text));
        Assert.Equal(
            ["B.parquet", "a.parquet", "b.parquet", "deep/er/c.parquet"],
            (await StageHarness.ReadAsync(Made.ReadParquet(new() { Files = [_run.PathOf("**/*.parquet")] }, _run.Context()))).Select(d => d.Text));
    }

    [Fact]
    public async Task The_fingerprint_follows_bytes_order_column_and_rows()
    {
        string a = _run.PathOf("a.parquet"), b = _run.PathOf("b.parquet");
        Duck.Write(a, "SELECT 'a' AS text, 'x' AS other");
        Duck.Write(b, "SELECT 'b' AS text, 'x' AS other");
        string[] prints = [.. new ReadParquetOptions[]
        {
            new() { Files = [a, b] }, new() { Files = [b, a] }, new() { Files = [a] }, new() { Files = [a, b], Column = "other" },
            new() { Files = [a, b], MaxRows = 1 }, new() { Files = [a, b], SkipRows = 1 }, new() { Files = [a, b], Messages = "text" },
        }.Select(o => Made.ReadParquet(o, _run.Context()).Fingerprint["input"])];
        Assert.Equal(prints.Length, prints.Distinct().Count());
        Assert.Equal(prints[0], Made.ReadParquet(new() { Files = [a, b] }, _run.Context(new Partition(1, 2))).Fingerprint["input"]);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task What_write_parquet_writes_is_what_read_parquet_and_DuckDB_read()
    {
        string[] texts = [.. Enumerable.Range(0, 2500).Select(i => $"tëxt {i}\nwith lines")];
        var sink = Made.WriteParquet(new() { To = "out/made.parquet", RowGroupRows = 1000 }, _run.Context());
        await sink.RunAsync(texts.Select((t, i) => new TextDocument(new DocumentId(1, i, 0), t)).ToAsyncEnumerable(), default);

        Assert.Equal(texts, Duck.Texts($"SELECT text FROM '{_run.PathOf("out/made.parquet")}'"));
        Assert.Equal("3", Duck.Texts($"SELECT count(DISTINCT row_group_id)::VARCHAR FROM parquet_metadata('{_run.PathOf("out/made.parquet")}')")[0]);
        Assert.Equal(texts, (await StageHarness.ReadAsync(Source(_run.PathOf("out/made.parquet")))).Select(d => d.Text));
        Assert.Single(Directory.GetFileSystemEntries(_run.PathOf("out")));
    }

    [Fact]
    public async Task A_writer_that_is_stopped_leaves_nothing()
    {
        var sink = Made.WriteParquet(new() { To = "out/made.parquet" }, _run.Context());
        await Assert.ThrowsAsync<InvalidOperationException>(() => sink.RunAsync(Failing(), default));
        Assert.Empty(Directory.GetFileSystemEntries(_run.PathOf("out")));

        static async IAsyncEnumerable<TextDocument> Failing()
        {
            yield return new TextDocument(default, "one");
            await Task.Yield();
            throw new InvalidOperationException("the stage before failed");
        }
    }

    private ReadParquetSource Source(string path) => Made.ReadParquet(new() { Files = [path] }, _run.Context());

    private static async Task WriteAsync(string path, CompressionMethod compression, params string[][] groups)
    {
        var field = new DataField<string>("text");
        await using FileStream stream = File.Create(path);
        await using ParquetWriter writer = await ParquetWriter.CreateAsync(
            new ParquetSchema(field), stream, new ParquetOptions { CompressionMethod = compression });
        foreach (string[] rows in groups)
        {
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            await group.WriteAsync(field, rows);
        }
    }
}
