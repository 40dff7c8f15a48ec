using System.IO.Compression;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tests.Text;

public sealed class ReadJsonlTests : IDisposable
{
    private readonly StageHarness _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("a.jsonl")]
    [InlineData("a.jsonl.gz")]
    [InlineData("a.jsonl.zst")]
    public async Task Lines_are_read_with_their_number_as_row(string name)
    {
        string[] texts = [.. Enumerable.Range(0, 10_000).Select(i => $"line {i} \"quoted\" \t ünï 😀")];
        string path = Write(name, string.Concat(texts.Select((t, i) => JsonSerializer.Serialize(new { id = i, text = t, meta = new { text = "no" } }) + (i % 2 == 0 ? "\n" : "\r\n"))));

        List<TextDocument> documents = await StageHarness.ReadAsync(Source(path));

        Assert.Equal(texts, documents.Select(d => d.Text));
        ulong hash = XxHash3.HashToUInt64(File.ReadAllBytes(path));
        Assert.Equal(Enumerable.Range(0, texts.Length).Select(i => new DocumentId(hash, i, 0)), documents.Select(d => d.Id));
    }

    [Theory]
    [InlineData("a.jsonl")]
    [InlineData("a.jsonl.gz")]
    public async Task Parts_together_are_the_whole(string name)
    {
        string path = Write(name, string.Concat(Enumerable.Range(0, 9999).Select(i => $"{{\"text\": \"t{i}\"}}\n")));
        ReadJsonlOptions options = new() { Files = [path], SkipRows = 5, MaxRows = 9000 };
        List<TextDocument> whole = await StageHarness.ReadAsync(Made.ReadJsonl(options, _run.Context()));
        Assert.Equal(9000, whole.Count);
        foreach (int count in (int[])[1, 3, 8])
        {
            var parts = new List<TextDocument>();
            for (int index = 0; index < count; index++)
                parts.AddRange(await StageHarness.ReadAsync(Made.ReadJsonl(options, _run.Context(new Partition(index, count)))));
            Assert.Equal(whole, parts);
        }
    }

    [Fact]
    public async Task Bad_lines_are_counted_and_the_rest_is_read()
    {
        string path = Write("a.jsonl", string.Join('\n',
            "\uFEFF{\"text\": \"good 1\"}",
            "{\"text\": \"cut",
            "[1, 2]",
            "",
            "{\"other\": 1}",
            "{\"text\": 7}",
            "{\"text\": null}",
            "{\"text\": \"\"}",
            "{\"text\": \"\\ud800 half\"}",
            "{\"text\": \"first\", \"text\": \"good 2\"}",
            "{\"text\": \"x\"} trailing",
            $"{{\"text\": \"{new string('x', 500)}\"}}",
            "{\"text\": \"good 3\"}"));

        List<TextDocument> documents = await StageHarness.ReadAsync(
            Made.ReadJsonl(new() { Files = [path], MaxLineBytes = 200, MaxDocumentBytes = 100 }, _run.Context()));

        Assert.Equal(["good 1", "good 2", "good 3"], documents.Select(d => d.Text));
        Assert.Equal([0, 9, 12], documents.Select(d => d.Id.Row));
        Assert.Equal(
            [
                (1L, "line is not JSON"), (2L, "line is not a JSON object"), (4L, "field is missing"), (5L, "field is not a string"), (6L, "text is null"),
                (7L, "text is empty"), (8L, "text is not Unicode"), (10L, "line is not JSON"), (11L, "line is longer than maxLineBytes"),
            ],
            _run.Rejected.Select(r => (r.Id.Row, r.Reason)));
        Assert.Equal(1, _run.Counts["blankLines"]);
        Assert.Contains("a.jsonl: line 2: line is not JSON", _run.Rejected[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_field_that_no_line_has_is_an_error_that_names_those_there_are()
    {
        string path = Write("a.jsonl", "{\"body\": \"x\", \"n\": 1}\n{\"body\": \"y\"}\n");
        InputException error = await Assert.ThrowsAsync<InputException>(() => StageHarness.ReadAsync(Source(path)));
        Assert.EndsWith("no line has the field 'text'; line 1 has 'body', 'n'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_very_long_line_takes_no_more_memory_than_the_limit()
    {
        string path = _run.PathOf("a.jsonl");
        using (StreamWriter writer = File.CreateText(path))
        {
            writer.Write("{\"text\": \"");
            for (int i = 0; i < 400; i++)
                writer.Write(new string('x', 1 << 18));
            writer.Write("\"}\n{\"text\": \"after\"}\n");
        }
        var source = Made.ReadJsonl(new() { Files = [path], MaxLineBytes = 1 << 20 }, _run.Context());
        _ = source.Fingerprint;
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal("after", Assert.Single(await StageHarness.ReadAsync(source)).Text);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
        Assert.Equal("line is longer than maxLineBytes", Assert.Single(_run.Rejected).Reason);
    }

    [Fact]
    public async Task Conversations_are_read()
    {
        string path = Write("a.jsonl", """
            {"messages": [{"role": "user", "content": "q", "name": null}, {"content": "a", "role": "assistant"}]}
            {"messages": [{"role": "user", "content": null}]}
            {"messages": []}
            {"messages": "text"}
            """);
        TextDocument document = Assert.Single(await StageHarness.ReadAsync(Made.ReadJsonl(new() { Files = [path], Messages = "messages" }, _run.Context())));
        Assert.Equal([new ChatMessage("user", "q", """{"role":"","content":"","name":null}"""), new ChatMessage("assistant", "a")], document.Messages!);
        Assert.Equal(
            ["a message's content is null", "messages are null or empty", "field is not a list of messages"], _run.Rejected.Select(r => r.Reason));
    }

    [Theory]
    [InlineData("a.jsonl.gz")]
    [InlineData("a.jsonl.zst")]
    public async Task Compressed_data_that_are_damaged_are_refused(string name)
    {
        string path = Write(name, string.Concat(Enumerable.Range(0, 5000).Select(i => $"{{\"text\": \"t{i * 7919}\"}}\n")));
        byte[] bytes = File.ReadAllBytes(path);
        for (int i = 40; i < 60; i++)
            bytes[i] ^= 0xff;
        File.WriteAllBytes(path, bytes);
        InputException error = await Assert.ThrowsAsync<InputException>(() => StageHarness.ReadAsync(Source(path)));
        Assert.Contains("its compressed data are damaged", error.Message, StringComparison.Ordinal);
    }

    private ReadJsonlSource Source(string path) => Made.ReadJsonl(new() { Files = [path] }, _run.Context());

    private string Write(string name, string content)
    {
        string path = _run.PathOf(name);
        byte[] bytes = Encoding.UTF8.GetBytes(content);
        using FileStream file = File.Create(path);
        using Stream to = name switch
        {
            _ when name.EndsWith(".gz", StringComparison.Ordinal) => new GZipStream(file, CompressionLevel.Fastest),
            _ when name.EndsWith(".zst", StringComparison.Ordinal) => new ZstdSharp.CompressionStream(file),
            _ => file,
        };
        to.Write(bytes);
        return path;
    }
}
