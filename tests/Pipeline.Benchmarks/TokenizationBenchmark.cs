using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Benchmarks;

/// <summary>
/// Tokens per second and bytes allocated per token on one and on two threads, the time for one word of a million characters, and the
/// time to load. Medians over interleaved rounds, so that a noisy machine hurts every tokenizer alike.
/// Arguments: <c>--text FILE...</c> (JSON Lines with <c>text</c>, or plain text), <c>--tokenizer PATH...</c> (folders, or "bytes"),
/// <c>--rounds N</c>. Without text, generated text; without tokenizers, "bytes". <c>tokenizers-npm/</c> measures Hugging Face's crate.
/// </summary>
internal static class TokenizationBenchmark
{
    private const int DocumentLength = 4_000;

    public static int Run(string[] args, IStorage storage)
    {
        var texts = new List<string>();
        var paths = new List<string>();
        int rounds = 7;
        string option = "";
        foreach (string arg in args)
        {
            if (arg.StartsWith("--", StringComparison.Ordinal))
                option = arg;
            else if (option == "--text")
                texts.AddRange(ReadTexts(arg));
            else if (option == "--tokenizer")
                paths.Add(arg);
            else if (option == "--rounds")
                rounds = int.Parse(arg, CultureInfo.InvariantCulture);
        }
        if (paths.Count == 0)
            paths.Add(TextTokenizer.BytesPath);
        string[] documents = MakeDocuments(texts.Count == 0 ? GenerateTexts() : texts);
        Console.WriteLine($"{documents.Length} documents, {documents.Sum(d => (long)d.Length):N0} UTF-16 units, {rounds} rounds");
        Measurement[] all = [.. paths.Select(p => new Measurement(p, storage))];
        for (int round = 0; round < rounds; round++)
        {
            foreach (Measurement m in all)
                m.Round(documents);
        }
        Console.WriteLine("tokenizer             Mtok/s  MB/s  bytes/token  2 threads  1 MB word (s)  load (ms)");
        foreach (Measurement m in all)
            Console.WriteLine(m.Row());
        return 0;
    }

    private static IEnumerable<string> ReadTexts(string file)
    {
        if (!file.EndsWith(".jsonl", StringComparison.Ordinal))
        {
            yield return File.ReadAllText(file);
            yield break;
        }
        foreach (string line in File.ReadLines(file))
        {
            using JsonDocument document = JsonDocument.Parse(line);
            if (document.RootElement.TryGetProperty("text", out JsonElement text) && text.GetString() is { } value)
                yield return value;
        }
    }

    private static IEnumerable<string> GenerateTexts()
    {
        var random = new Random(17);
        string[] words = ["the", "of", "price", "und", "rose", "12", "x", "=", "(", "naïve", "日本", "größer", "mattered", ",", ".", "\n", "don't"];
        for (int i = 0; i < 400; i++)
            yield return string.Join(' ', Enumerable.Range(0, 700).Select(_ => words[random.Next(words.Length)] + (random.Next(9) == 0 ? random.Next(5000) : "")));
    }

    /// <summary>Texts joined in order, then cut: documents of one length, so that tokenizers see the same mixture.</summary>
    private static string[] MakeDocuments(IEnumerable<string> texts)
    {
        string all = string.Join('\n', texts);
        return [.. Enumerable.Range(0, (all.Length + DocumentLength - 1) / DocumentLength)
            .Select(i => all.Substring(i * DocumentLength, Math.Min(DocumentLength, all.Length - (i * DocumentLength))))];
    }

    private sealed class Measurement
    {
        private readonly string _name;
        private readonly string _path;
        private readonly IStorage _storage;
        private readonly TextTokenizer _tokenizer;
        private readonly TextEncoder[] _encoders;
        private readonly List<double> _oneThread = [];
        private readonly List<double> _twoThreads = [];
        private readonly List<double> _word = [];
        private readonly List<double> _load = [];
        private readonly List<double> _allocated = [];
        private readonly string _longWord = new string('a', 500_000) + string.Concat(Enumerable.Repeat("word", 125_000));
        private long _tokens;
        private long _characters;

        public Measurement(string path, IStorage storage)
        {
            (_path, _storage) = (path, storage);
            _name = Path.GetFileName(path.TrimEnd('/'));
            _tokenizer = TextTokenizer.Load(path, storage);
            _encoders = [_tokenizer.CreateEncoder(), _tokenizer.CreateEncoder()];
        }

        public void Round(string[] documents)
        {
            _characters = documents.Sum(d => (long)d.Length);
            var clock = Stopwatch.StartNew();
            TextTokenizer.Load(_path, _storage);
            _load.Add(clock.Elapsed.TotalSeconds);

            var ids = new List<int>(DocumentLength * 4);
            EncodeAll(_encoders[0], documents, ids);
            long before = GC.GetAllocatedBytesForCurrentThread();
            clock.Restart();
            _tokens = EncodeAll(_encoders[0], documents, ids);
            _oneThread.Add(clock.Elapsed.TotalSeconds);
            _allocated.Add((double)(GC.GetAllocatedBytesForCurrentThread() - before) / _tokens);

            Thread[] threads = [.. _encoders.Select(e => new Thread(() => EncodeAll(e, documents, new List<int>(DocumentLength * 4))))];
            EncodeAll(_encoders[1], documents, ids);
            clock.Restart();
            foreach (Thread thread in threads)
                thread.Start();
            foreach (Thread thread in threads)
                thread.Join();
            _twoThreads.Add(clock.Elapsed.TotalSeconds / 2);

            ids.Clear();
            clock.Restart();
            _tokenizer.CreateEncoder().Encode(_longWord, false, ids);
            _word.Add(clock.Elapsed.TotalSeconds);
        }

        public string Row() => string.Create(
            CultureInfo.InvariantCulture,
            $"{_name,-20} {_tokens / Median(_oneThread) / 1e6,7:F2} {_characters / Median(_oneThread) / 1e6,5:F0} {Median(_allocated),12:F3} {Median(_oneThread) / Median(_twoThreads),9:F2}x {Median(_word),14:F3} {Median(_load) * 1000,10:F0}");

        private static long EncodeAll(TextEncoder encoder, string[] documents, List<int> ids)
        {
            long count = 0;
            foreach (string document in documents)
            {
                ids.Clear();
                encoder.Encode(document, false, ids);
                count += ids.Count;
            }
            return count;
        }

        private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
    }
}
