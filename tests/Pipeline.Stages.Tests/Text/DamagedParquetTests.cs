using System.Buffers.Binary;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tests.Text;

/// <summary>Damaged and hostile files must lead to an error that says what is wrong, never to a hang, and never to unbounded memory.</summary>
public sealed class DamagedParquetTests : IDisposable
{
    private readonly StageHarness _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task A_missing_column_names_those_there_are()
    {
        string path = Written("SELECT 'x' AS body, 1 AS n, 'y' AS title");
        Assert.EndsWith("a.parquet has no column 'text'; it has 'body', 'n', 'title'", await RefusalAsync(path), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_column_renamed_in_the_second_file_is_found_before_the_first_is_read()
    {
        string first = Written("SELECT 'x' AS text"), second = _run.PathOf("b.parquet");
        Duck.Write(second, "SELECT 'y' AS Text");
        var source = Made.ReadParquet(new() { Files = [first, second] }, _run.Context());
        InputException error = await Assert.ThrowsAsync<InputException>(() => StageHarness.ReadAsync(source));
        Assert.Contains("b.parquet has no column 'text'; it has 'Text'", error.Message, StringComparison.Ordinal);
        Assert.False(_run.Counts.ContainsKey("documents"));
    }

    [Fact]
    public async Task A_binary_column_is_refused()
        => Assert.Contains("column 'text' is binary", await RefusalAsync(Written("SELECT 'x'::BLOB AS text")), StringComparison.Ordinal);

    [Fact]
    public async Task A_column_of_numbers_is_refused()
        => Assert.Contains("column 'text' holds Int32 values, not text", await RefusalAsync(Written("SELECT 1::INT AS text")), StringComparison.Ordinal);

    [Fact]
    public async Task A_list_of_texts_is_refused()
        => Assert.Contains("column 'text' is nested, not text", await RefusalAsync(Written("SELECT ['x'] AS text")), StringComparison.Ordinal);

    [Fact]
    public async Task A_list_that_holds_no_messages_is_refused()
    {
        var source = Made.ReadParquet(new() { Files = [Written("SELECT [{'from': 'x', 'value': 'y'}] AS messages")], Messages = "messages" }, _run.Context());
        InputException error = await Assert.ThrowsAsync<InputException>(() => StageHarness.ReadAsync(source));
        Assert.Contains("not a list of structs with 'role' and 'content'; it holds 'messages.list.element.from'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("COMPRESSION brotli")]
    [InlineData("COMPRESSION lz4_raw")]
    public async Task Pages_of_other_compressions_are_read(string options)
    {
        List<TextDocument> read = await StageHarness.ReadAsync(Source(Written("SELECT 'x' || i AS text FROM range(100) t(i)", options)));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"x{i}"), read.Select(d => d.Text));
    }

    [Fact]
    public async Task Another_kind_of_file_is_refused_by_how_it_begins()
    {
        string path = _run.PathOf("a.parquet");
        File.WriteAllText(path, "{\"text\": \"this is JSON, not Parquet\"}");
        Assert.Contains("is not a Parquet file: it begins with 7b 22 74 65, not with PAR1", await RefusalAsync(path), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_file_and_a_glob_without_a_match_are_named()
    {
        Assert.EndsWith("nothing.parquet does not exist; it is named in 'files' of the definition", await RefusalAsync(_run.PathOf("nothing.parquet")), StringComparison.Ordinal);
        Assert.StartsWith("stage 'stage': no file matches 'run:none-*.parquet'", await RefusalAsync("run:none-*.parquet"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_with_equal_bytes_are_refused_because_their_ids_would_be_equal()
    {
        string first = Written("SELECT 'x' AS text"), second = _run.PathOf("copy.parquet");
        File.Copy(first, second);
        var copies = Made.ReadParquet(new() { Files = [first, second] }, _run.Context());
        Assert.Contains("are the same bytes", (await Assert.ThrowsAsync<InputException>(() => StageHarness.ReadAsync(copies))).Message, StringComparison.Ordinal);
        var twice = Made.ReadParquet(new() { Files = ["run:a.parquet", "run:*.parquet"] }, _run.Context());
        Assert.Contains("a.parquet twice", (await Assert.ThrowsAsync<DefinitionException>(() => StageHarness.ReadAsync(twice))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("COMPRESSION snappy")]
    [InlineData("COMPRESSION zstd, PARQUET_VERSION v2")]
    public async Task A_file_cut_anywhere_is_refused(string options)
    {
        byte[] whole = File.ReadAllBytes(Written("SELECT 'some text ' || i AS text FROM range(300) t(i)", options));
        for (int length = 0; length < whole.Length; length += length > whole.Length - 600 ? 1 : 37)
        {
            string path = _run.PathOf($"cut-{length}.parquet");
            File.WriteAllBytes(path, whole[..length]);
            Assert.Contains(Path.GetFileName(path), await RefusalAsync(path), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_footer_cut_inside_a_number_is_refused_and_does_not_hang()
    {
        byte[] whole = File.ReadAllBytes(Written("SELECT 'some text ' || i AS text FROM range(300) t(i)"));
        int footer = BinaryPrimitives.ReadInt32LittleEndian(whole.AsSpan(whole.Length - 8));
        byte[] data = whole[..^(footer + 8)];
        for (int kept = 0; kept < footer; kept++)
        {
            string path = _run.PathOf($"footer-{kept}.parquet");
            byte[] tail = new byte[8];
            BinaryPrimitives.WriteInt32LittleEndian(tail, kept);
            "PAR1"u8.CopyTo(tail.AsSpan(4));
            File.WriteAllBytes(path, [.. data, .. whole.AsSpan(data.Length, kept), .. tail]);
            Assert.Matches("its footer is damaged|is cut off or damaged", await RefusalAsync(path));
        }
    }

    [Theory]
    [InlineData("COMPRESSION uncompressed")]
    [InlineData("COMPRESSION snappy")]
    [InlineData("COMPRESSION zstd")]
    [InlineData("COMPRESSION gzip, PARQUET_VERSION v2")]
    [InlineData("COMPRESSION zstd, PARQUET_VERSION v2")]
    public async Task Flipped_bits_are_refused_or_give_other_text_but_never_crash_hang_or_take_memory(string options)
    {
        byte[] whole = File.ReadAllBytes(Written(
            "SELECT CASE WHEN i % 9 = 0 THEN NULL ELSE 'text number ' || (i % 40) || repeat('z', (i % 13)::BIGINT) END AS text FROM range(500) t(i)", options));
        var random = new Random(3);
        int refused = 0;
        for (int trial = 0; trial < 600; trial++)
        {
            byte[] damaged = (byte[])whole.Clone();
            // The footer decides sizes, so half of the flips go to the end of the file, where it is.
            int at = trial % 2 == 0 ? random.Next(whole.Length) : whole.Length - 1 - random.Next(Math.Min(whole.Length, 400));
            damaged[at] ^= (byte)(1 << random.Next(8));
            string path = _run.PathOf($"flip-{trial}.parquet");
            File.WriteAllBytes(path, damaged);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                foreach (TextDocument document in await StageHarness.ReadAsync(Source(path)))
                    Assert.True(document.Text.Length <= 1 << 20);
            }
            catch (InputException e)
            {
                refused++;
                Assert.Contains($"flip-{trial}.parquet", e.Message, StringComparison.Ordinal);
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
            File.Delete(path);
        }
        Assert.InRange(refused, 50, 600);
    }

    private string Written(string select, string options = "")
    {
        string path = _run.PathOf("a.parquet");
        Duck.Write(path, select, options);
        return path;
    }

    private ReadParquetSource Source(string path) => Made.ReadParquet(new() { Files = [path] }, _run.Context());

    private async Task<string> RefusalAsync(string path)
        => (await Assert.ThrowsAsync<InputException>(() => StageHarness.ReadAsync(Source(path)))).Message;
}
