using System.Diagnostics;
using System.Globalization;
using System.Text;
using Parquet;
using Parquet.Schema;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Shards;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures shards: megabytes and examples per second when they are written, read and verified, and their bytes per teacher token. Arguments: <c>[--parquet
/// FILE] [--column NAME] [--level N] [--block N] [--student bytes|subword] [--examples N]</c>. Without a file, text is generated. Tokens are cut by a simple
/// rule that gives about four bytes for each. Scores are random, so they compress as badly as unpredictable numbers.
/// </summary>
internal static class ShardBenchmark
{
    public static int Run(string[] args)
    {
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        int examples = int.Parse(Option("--examples", "20000"), CultureInfo.InvariantCulture);
        string parquet = Option("--parquet", "");
        string[] texts = parquet.Length > 0 ? ReadTexts(parquet, Option("--column", "text")).GetAwaiter().GetResult() : Generate(examples);
        bool bytesStudent = Option("--student", "bytes") == "bytes";
        var options = new ShardWriterOptions(
            int.Parse(Option("--level", "3"), CultureInfo.InvariantCulture), int.Parse(Option("--block", "512"), CultureInfo.InvariantCulture));
        Example[] data = [.. Enumerable.Range(0, Math.Min(examples, texts.Length)).Select(i => ToExample(i, texts[i], bytesStudent))];
        DirectoryInfo folder = Directory.CreateTempSubdirectory("alm-bench-");
        try
        {
            Measure(Path.Combine(folder.FullName, "shard.alm"), data, options);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return 0;
    }

    private static void Measure(string path, Example[] data, ShardWriterOptions options)
    {
        var storage = new DiskStorage();
        var header = new ShardHeader(ShardFingerprint.Of(new Dictionary<string, string>()), 0, 1);
        for (int round = 0; round < 2; round++)
        {
            if (File.Exists(path))
                File.Delete(path);
            long started = Stopwatch.GetTimestamp();
            using (var writer = new ShardWriter(storage, path, header, options))
            {
                foreach (Example example in data)
                    writer.Add(example);
                writer.Commit();
            }
            double write = Stopwatch.GetElapsedTime(started).TotalSeconds;

            ShardReader reader = ShardReader.Open(storage, path);
            started = Stopwatch.GetTimestamp();
            int count = reader.ReadAll().Count();
            double read = Stopwatch.GetElapsedTime(started).TotalSeconds;
            started = Stopwatch.GetTimestamp();
            reader.Verify();
            double verify = Stopwatch.GetElapsedTime(started).TotalSeconds;
            if (round == 1)
                Print(reader, count, write, read, verify);
        }
    }

    private static void Print(ShardReader reader, int count, double write, double read, double verify)
    {
        ShardTotals totals = reader.Footer.Totals;
        double raw = totals.Parts.Sum(p => p.Raw) / 1e6;
        double tokens = totals.TeacherTokens;
        string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
        Console.WriteLine(Line($"{count} examples, {totals.TeacherTokens} teacher tokens, {totals.StudentTokens} student tokens, {raw:f1} MB before, {reader.Bytes / 1e6:f1} MB on disk"));
        Console.WriteLine(Line($"write  {raw / write,8:f0} MB/s  {count / write,10:f0} examples/s"));
        Console.WriteLine(Line($"read   {raw / read,8:f0} MB/s  {count / read,10:f0} examples/s"));
        Console.WriteLine(Line($"verify {reader.Bytes / 1e6 / verify,8:f0} MB/s of file"));
        foreach (ShardPart part in Enum.GetValues<ShardPart>())
            Console.WriteLine(Line($"{part,-8} {totals[part].Raw / tokens,8:f2} bytes per teacher token before, {totals[part].Stored / tokens,8:f2} stored"));
        Console.WriteLine(Line($"without the text {(reader.Bytes - totals[ShardPart.Text].Stored) / tokens:f2} bytes per teacher token"));
    }

    private static async Task<string[]> ReadTexts(string path, string column)
    {
        var texts = new List<string>();
        await using ParquetReader reader = await ParquetReader.CreateAsync(path);
        DataField field = reader.Schema.DataFields.First(f => f.Name == column || reader.Schema.DataFields.Length == 1);
        for (int group = 0; group < reader.RowGroupCount; group++)
        {
            using ParquetRowGroupReader rows = reader.OpenRowGroupReader(group);
            string?[] values = new string?[rows.RowCount];
            await rows.ReadAsync(field, values.AsMemory());
            texts.AddRange(values.OfType<string>());
        }
        return [.. texts];
    }

    private static string[] Generate(int count)
    {
        string[] names = ["Ann", "Tom", "Mia", "Raj", "Lena", "Omar"];
        string[] things = ["apples", "books", "stamps", "marbles", "tickets", "pencils", "cookies"];
        var random = new Random(1);
        return [.. Enumerable.Range(0, count).Select(_ =>
        {
            (int a, int b, int c) = (random.Next(2, 90), random.Next(2, 90), random.Next(2, 9));
            (string one, string two) = (names[random.Next(names.Length)], names[random.Next(names.Length)]);
            string thing = things[random.Next(things.Length)];
            return $"{one} has {a} {thing} and buys {b} more. {two} has {c} times as many {thing} as {one}. How many {thing} do they have together?\n"
                + $"{one} has {a} + {b} = {a + b} {thing}. {two} has {a + b} * {c} = {(a + b) * c}. Together they have {(a + b) * (c + 1)}.";
        })];
    }

    private static Example ToExample(int row, string text, bool bytesStudent)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        var random = new Random(row);
        List<int> ends = TokenEnds(bytes);
        TokenSequence teacher = ToTokens(bytes, ends, 50_257);
        TokenSequence student = bytesStudent
            ? new([.. bytes.Select(b => (int)b)], [.. Enumerable.Range(1, bytes.Length)])
            : ToTokens(bytes, ends, 151_643);
        int start = 0;
        Chunk[] chunks = [.. ends.Select((end, i) =>
        {
            var chunk = bytesStudent ? new Chunk(i, i + 1, start, end) : new Chunk(i, i + 1, i, i + 1);
            start = end;
            return chunk;
        })];
        float Draw() => (float)(-Math.Log(1 - random.NextDouble()) * Math.Exp((random.NextDouble() * 6) - 5));
        float[] DrawAll() => [.. ends.Select(_ => Draw())];
        return new Example(new DocumentId(42, row, 0), text, student, new TeacherView(teacher, new TeacherScores(DrawAll(), DrawAll())), chunks);
    }

    // A token is a run of letters or a single other byte, with the space in front of it if there is one. It has at most eight bytes.
    private static List<int> TokenEnds(byte[] bytes)
    {
        var ends = new List<int>();
        for (int i = 0; i < bytes.Length;)
        {
            int end = bytes[i] == ' ' && i + 1 < bytes.Length ? i + 2 : i + 1;
            while (end < bytes.Length && end - i < 8 && char.IsAsciiLetter((char)bytes[end]) && char.IsAsciiLetter((char)bytes[end - 1]))
                end++;
            ends.Add(end);
            i = end;
        }
        return ends;
    }

    private static TokenSequence ToTokens(byte[] bytes, List<int> ends, int vocabulary)
    {
        int start = 0;
        int[] ids = [.. ends.Select(end =>
        {
            uint hash = 2_166_136_261;
            foreach (byte b in bytes.AsSpan(start, end - start))
                hash = (hash ^ b) * 16_777_619;
            start = end;
            return (int)(hash % (uint)vocabulary);
        })];
        return new TokenSequence(ids, [.. ends]);
    }
}
