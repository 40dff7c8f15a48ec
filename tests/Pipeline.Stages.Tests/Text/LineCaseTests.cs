using System.Text.Json;
using System.Text.Unicode;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Text;
using Pipeline.Stages.Tokenization;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Text;

/// <summary>
/// Lines that were once lost, replaced or left out: all files of this kind in the shared folder <c>cases</c>. Each line is also read by a reader of the test.
/// </summary>
public sealed class LineCaseTests(ITestOutputHelper output) : IDisposable
{
    private readonly StageHarness _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task A_line_is_read_whatever_lies_beside_the_field_that_is_asked_for()
    {
        foreach (string file in CaseFolder.Files("F15", "*.jsonl", output))
        {
            string[] expected = [.. Lines(file).Select(TextOf).OfType<string>()];
            List<TextDocument> read = await StageHarness.ReadAsync(Made.ReadJsonl(new() { Files = [file] }, _run.Context()));
            Assert.Equal(expected, read.Select(d => d.Text));
        }
    }

    [Theory]
    [InlineData("F05")]
    [InlineData("F06")]
    public void Each_line_has_a_line_and_one_that_cannot_be_used_says_why(string kind)
    {
        TextTokenizer tokenizer = TextTokenizer.Load(CaseFolder.TinyModel, new DiskStorage());
        foreach (string file in CaseFolder.Files(kind, "*.jsonl", output))
        {
            TokenizeFile.Run(tokenizer, new DiskStorage(), file, _run.PathOf("out.jsonl"), addSpecialTokens: false, decode: true);
            JsonElement[] written = [.. File.ReadLines(_run.PathOf("out.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];
            string?[] texts = [.. Lines(file).Select(TextOf)];
            Assert.Equal(texts.Length, written.Length);
            Assert.All(texts.Zip(written), pair =>
            {
                Assert.Equal(pair.First is not null, pair.Second.TryGetProperty("ids", out _));
                Assert.Equal(pair.First is null, pair.Second.TryGetProperty("error", out _));
                if (pair.First is not null)
                    Assert.Equal(pair.First, pair.Second.GetProperty("decoded").GetString());
            });
        }
    }

    [Fact]
    public async Task A_file_of_which_no_line_can_be_used_is_refused_with_a_guess()
    {
        foreach (string file in CaseFolder.Files("F11", "*.jsonl", output))
        {
            InputException error = await Assert.ThrowsAsync<InputException>(() => StageHarness.ReadAsync(Made.ReadJsonl(new() { Files = [file] }, _run.Context())));
            output.WriteLine(error.Message);
            // After the count comes the guess, and only then what is wrong with the first line.
            Assert.Matches("can be used: it(s lines)? .+; line 1: ", error.Message);
        }
    }

    [Fact]
    public async Task Of_messages_all_is_carried_or_refused_by_a_reason_that_names_it()
    {
        foreach (string file in CaseFolder.Files("F02", "*.jsonl", output).Concat(CaseFolder.Files("F09", "*.jsonl", output)))
        {
            _run.Rejected.Clear();
            List<TextDocument> read = await StageHarness.ReadAsync(Made.ReadJsonl(new() { Files = [file], Messages = "messages" }, _run.Context()));
            var byRow = read.ToDictionary(d => d.Id.Row);
            Dictionary<long, string> reasons = _run.Rejected.ToDictionary(r => r.Id.Row, r => r.Reason);
            byte[][] lines = [.. Lines(file)];
            for (int row = 0; row < lines.Length; row++)
            {
                JsonElement line = JsonDocument.Parse(lines[row]).RootElement, messages = line.GetProperty("messages");
                Assert.NotEqual(byRow.ContainsKey(row), reasons.ContainsKey(row));
                if (byRow.TryGetValue(row, out TextDocument? document))
                    IsCarried(line, document);
                else if (messages.ValueKind == JsonValueKind.Array && messages.EnumerateArray().All(m => m.ValueKind == JsonValueKind.Object) && messages.GetArrayLength() > 0)
                    Assert.DoesNotContain(messages.EnumerateArray(), m => reasons[row] == TextRejects.IncompleteMessage && (m.TryGetProperty("content", out _) || m.TryGetProperty("value", out _)));
            }
        }
    }

    [Fact]
    public async Task Of_messages_in_Parquet_the_fields_beside_role_and_content_are_carried()
    {
        foreach (string file in CaseFolder.Files("F02", "*.parquet", output))
        {
            List<TextDocument> read = await StageHarness.ReadAsync(Made.ReadParquet(new() { Files = [file], Messages = "messages" }, _run.Context()));
            bool hasMore = ParquetInspection.Of(new DiskStorage(), file).Columns.Any(c => c.Contains("messages.", StringComparison.Ordinal) && !c.Contains(".role", StringComparison.Ordinal) && !c.Contains(".content", StringComparison.Ordinal));
            Assert.True(!hasMore || _run.Rejected.Count > 0 || read.Any(d => d.Messages!.Any(m => m.Fields is not null)));
        }
    }

    private static void IsCarried(JsonElement line, TextDocument document)
    {
        JsonElement[] messages = [.. line.GetProperty("messages").EnumerateArray()];
        Assert.Equal(messages.Length, document.Messages!.Count);
        foreach ((JsonElement message, ChatMessage read) in messages.Zip(document.Messages))
        {
            Assert.Equal(message.GetProperty("role").GetString(), read.Role);
            JsonElement content = message.GetProperty("content");
            Assert.Equal(content.ValueKind == JsonValueKind.Array ? string.Concat(content.EnumerateArray().Select(p => p.ValueKind == JsonValueKind.String ? p.GetString() : p.GetProperty("text").GetString())) : content.GetString() ?? "", read.Content);
            foreach (JsonProperty field in message.EnumerateObject().Where(f => f.Name is not ("role" or "content")))
                Assert.True(JsonElement.DeepEquals(field.Value, JsonDocument.Parse(read.Fields!).RootElement.GetProperty(field.Name)), field.Name);
        }
        foreach (string name in (string[])["tools", "documents"])
        {
            if (line.TryGetProperty(name, out JsonElement value))
                Assert.True(JsonElement.DeepEquals(value, JsonDocument.Parse(document.Fields!).RootElement.GetProperty(name)), name);
        }
    }

    /// <summary>What is between line feeds. After the last line feed there is no further line.</summary>
    private static List<byte[]> Lines(string file)
    {
        byte[] all = File.ReadAllBytes(file);
        var lines = new List<byte[]>();
        for (int start = 0; start < all.Length;)
        {
            int end = Array.IndexOf(all, (byte)'\n', start);
            lines.Add(all[start..(end < 0 ? all.Length : end)]);
            start = end < 0 ? all.Length : end + 1;
        }
        return lines;
    }

    private static string? TextOf(byte[] line)
    {
        if (!Utf8.IsValid(line))
            return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 1 << 20 });
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The line is not JSON, or has half a surrogate pair.
            return null;
        }
    }
}
