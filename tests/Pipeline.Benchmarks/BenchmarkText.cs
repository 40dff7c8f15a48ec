using System.Text.Json;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Stages;
using Pipeline.Stages.Text;

namespace Pipeline.Benchmarks;

/// <summary>Cuts files of text into documents of equal length, and mixes the files evenly, so that every stretch of documents has the same mixture.</summary>
internal static class BenchmarkText
{
    private const int DocumentLength = 4_000;

    /// <summary>All documents of some files.</summary>
    /// <param name="files">
    /// <c>.parquet</c> with a column <c>text</c>, <c>.jsonl</c> with a field <c>text</c>, or plain text. Without any file, text is generated.
    /// </param>
    /// <param name="storage">Where Parquet files are read from.</param>
    public static string[] Documents(IReadOnlyList<string> files, IStorage storage)
    {
        List<Queue<string>> sources = [.. (files.Count == 0 ? [Generate()] : files.Select(f => Read(f, storage))).Select(t => new Queue<string>(Cut(string.Join('\n', t))))];
        List<string> documents = [];
        while (sources.RemoveAll(s => s.Count == 0) >= 0 && sources.Count > 0)
        {
            // A long file gives several documents at a time, so that all files end together.
            int shortest = sources.Min(s => s.Count);
            foreach (Queue<string> source in sources)
            {
                for (int i = source.Count / shortest; i > 0; i--)
                    documents.Add(source.Dequeue());
            }
        }
        return [.. documents];
    }

    private static IEnumerable<string> Read(string file, IStorage storage) => Path.GetExtension(file) switch
    {
        ".parquet" => ReadParquet(file, storage),
        ".jsonl" => File.ReadLines(file).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("text").GetString()!),
        _ => [File.ReadAllText(file)],
    };

    private static IEnumerable<string> ReadParquet(string file, IStorage storage)
    {
        var stages = new CommandStages(new CommandEnvironment { Stages = StageTable.All, Storage = storage }, Path.GetTempPath(), Console.Error);
        var source = (ISource<TextDocument>)stages.Create("read-parquet", new ReadParquetOptions { Files = [Path.GetFullPath(file)], Column = "text" });
        return source.ReadAsync(CancellationToken.None).ToBlockingEnumerable().Select(d => d.Text);
    }

    private static IEnumerable<string> Cut(string text)
    {
        for (int at = 0; at < text.Length;)
        {
            int end = Math.Min(text.Length, at + DocumentLength);
            if (end < text.Length && char.IsHighSurrogate(text[end - 1]))
                end--;
            yield return text[at..end];
            at = end;
        }
    }

    private static IEnumerable<string> Generate()
    {
        var random = new Random(17);
        string[] words = ["the", "of", "price", "und", "rose", "12", "x", "=", "(", "naïve", "日本", "größer", "mattered", ",", ".", "\n", "don't"];
        for (int i = 0; i < 400; i++)
            yield return string.Join(' ', Enumerable.Range(0, 700).Select(_ => words[random.Next(words.Length)] + (random.Next(9) == 0 ? random.Next(5000) : "")));
    }
}
