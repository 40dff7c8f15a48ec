using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tests.Text;

/// <summary>Rows with many fields must be read as DuckDB, which wrote them, shows them in JSON.</summary>
public sealed class RowFileTests : IDisposable
{
    private static readonly string[] Flat = ["t", "i", "l", "d", "b", "s"], Lists = ["words", "numbers", "choices", "turns"];

    private const string FlatRows =
        "SELECT CASE WHEN i % 7 = 2 THEN NULL ELSE 'é ' || i END AS t, CASE WHEN i % 5 = 1 THEN NULL ELSE i::INTEGER - 3 END AS i, (i * 10000000000)::BIGINT AS l, "
        + "i / 8.0::DOUBLE AS d, CASE WHEN i % 4 = 0 THEN NULL ELSE i % 3 = 0 END AS b, {'x': i::INTEGER, 'y': 'z' || i} AS s FROM range(3000) t(i)";

    private const string ListRows =
        "SELECT CASE WHEN i % 6 = 4 THEN NULL ELSE list_transform(range(i % 5), x -> 'w' || x) END AS words, list_transform(range(i % 3), x -> (x + i)::INTEGER) AS numbers, "
        + "{'text': list_transform(range(1 + i % 4), x -> 'c' || (x * i)), 'label': list_transform(range(1 + i % 4), x -> chr((65 + x)::INTEGER))} AS choices, "
        + "list_transform(range(i % 3), x -> {'role': 'r' || x, 'n': CASE WHEN x = 1 THEN NULL ELSE x END}) AS turns FROM range(2000) t(i)";

    private readonly StageHarness _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(true, "COMPRESSION zstd")]
    [InlineData(true, "COMPRESSION zstd, PARQUET_VERSION v2")]
    [InlineData(true, "COMPRESSION snappy, ROW_GROUP_SIZE 2048")]
    [InlineData(false, "COMPRESSION zstd")]
    [InlineData(false, "COMPRESSION uncompressed, ROW_GROUP_SIZE 2048")]
    public void Parquets_rows_are_those_that_DuckDB_reads(bool isFlat, string options)
    {
        string path = _run.PathOf("a.parquet");
        Duck.Write(path, isFlat ? FlatRows : ListRows, options);
        string?[] expected = [.. Duck.Texts($"SELECT to_json(row_)::VARCHAR FROM '{path}' row_")];

        RowObject[] rows = [.. RowFile.Read(_run.Storage, path, isFlat ? Flat : Lists)];

        Assert.Equal(isFlat ? Flat : Lists, RowFile.Columns(_run.Storage, path));
        Assert.Equal(expected.Length, rows.Length);
        for (int i = 0; i < rows.Length; i++)
        {
            Assert.Equal(i, rows[i].Row);
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected[i]!), JsonNode.Parse(rows[i].Value.GetRawText())), $"row {i}: {rows[i].Value} is not {expected[i]}");
        }
    }

    [Fact]
    public void Lines_are_read_as_they_are_and_others_are_rejected_with_their_number()
    {
        File.WriteAllText(_run.PathOf("a.jsonl"), "\uFEFF{\"a\": [1, {\"b\": \"x\"}]}\n\n[1]\nno\n{\"c\": true}\n");
        RowObject[] rows = [.. RowFile.Read(_run.Storage, _run.PathOf("a.jsonl"), [])];
        Assert.Equal([(0L, null), (2, TextRejects.NotAnObject), (3, TextRejects.NotJson), (4, null)], rows.Select(r => (r.Row, r.Reject)));
        Assert.Equal("x", rows[0].Value.GetProperty("a")[1].GetProperty("b").GetString());
        Assert.Equal(["a", "c"], RowFile.Columns(_run.Storage, _run.PathOf("a.jsonl")));
        Assert.Equal(JsonValueKind.Undefined, rows[1].Value.ValueKind);
    }

    [Fact]
    public void What_is_no_file_of_rows_is_refused_by_name()
    {
        string path = _run.PathOf("a.parquet");
        Duck.Write(path, "SELECT [[1]] AS deep, 'x' AS t", "COMPRESSION zstd");
        Assert.Contains("no column 'u'; it has 'deep', 't'", Refusal(path, "u"), StringComparison.Ordinal);
        Assert.Contains("lists within lists", Refusal(path, "deep"), StringComparison.Ordinal);
        Assert.Single(RowFile.Read(_run.Storage, path, ["t"]));
        File.WriteAllText(_run.PathOf("b.jsonl"), "[1]\n");
        Assert.Contains("none of its first 1 lines is a JSON object", Assert.Throws<InputException>(() => RowFile.Columns(_run.Storage, _run.PathOf("b.jsonl"))).Message, StringComparison.Ordinal);
        File.WriteAllText(_run.PathOf("c.jsonl"), "");
        Assert.Contains("all lines are blank", Assert.Throws<InputException>(() => RowFile.Columns(_run.Storage, _run.PathOf("c.jsonl"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_byte_or_a_cut_is_read_or_refused_and_nothing_else()
    {
        string path = _run.PathOf("a.parquet"), broken = _run.PathOf("b.parquet");
        Duck.Write(path, "SELECT i::INTEGER AS i, i / 4.0::DOUBLE AS d, i % 2 = 0 AS b, [i, 7]::BIGINT[] AS l FROM range(5) t(i)", "COMPRESSION snappy");
        byte[] bytes = File.ReadAllBytes(path);
        int read = 0, refused = 0;
        for (int at = 0; at < bytes.Length; at++)
        {
            byte[] changed = [.. bytes];
            changed[at] ^= 0xFF;
            Try(changed);
            if (at % 5 == 0)
                Try(bytes[..at]);
        }
        Assert.True(read > 0 && refused > bytes.Length / 5, $"{read} read, {refused} refused");

        void Try(byte[] content)
        {
            File.WriteAllBytes(broken, content);
            try
            {
                Assert.True(RowFile.Read(_run.Storage, broken, ["i", "d", "b", "l"]).Count() < 1 << 20);
                read++;
            }
            catch (InputException e)
            {
                Assert.Contains(broken, e.Message, StringComparison.Ordinal);
                refused++;
            }
        }
    }

    private string Refusal(string path, string column) => Assert.Throws<InputException>(() => RowFile.Read(_run.Storage, path, [column]).Count()).Message;
}
