using System.Diagnostics;
using System.Globalization;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Benchmarks;

/// <summary>Measures one tokenizer, round by round.</summary>
internal sealed class TokenizerMeasurement
{
    /// <summary>For how many seconds work is repeated on one thread, so that the gain by a second thread is not lost in noise.</summary>
    private const double ScalingSeconds = 2;

    private readonly string _path;
    private readonly IStorage _storage;
    private readonly string[] _documents;
    private readonly TextTokenizer _tokenizer;
    private readonly TextEncoder[] _encoders;
    private readonly Dictionary<string, List<double>> _figures = [];
    private readonly string _longWord = new string('a', 500_000) + string.Concat(Enumerable.Repeat("word", 125_000));
    private long _tokens;

    public TokenizerMeasurement(string path, string[] documents, IStorage storage)
    {
        (_path, _documents, _storage) = (path, documents, storage);
        Name = Path.GetFileName(path.TrimEnd('/'));
        _tokenizer = TextTokenizer.Load(path, storage);
        _encoders = [_tokenizer.CreateEncoder(), _tokenizer.CreateEncoder(), _tokenizer.CreateEncoder()];
    }

    public static string Header => "tokenizer     tokens  first pass  B/token  again  B/token  2 threads  the crate  ours / crate  1 MB word (s)  load (ms)";

    public string Name { get; }

    /// <summary>The path for Hugging Face's crate; null where the crate cannot load this tokenizer.</summary>
    public string? CratePath => _path == TextTokenizer.BytesPath ? null : _path;

    public void Round(CrateProcess? crate)
    {
        long start = Stopwatch.GetTimestamp();
        TextTokenizer.Load(_path, _storage);
        Note("load", Stopwatch.GetElapsedTime(start).TotalSeconds);

        var ids = new List<int>(16_000);
        double warm = 0;
        foreach ((string name, TextEncoder encoder) in new[] { ("first", _tokenizer.CreateEncoder()), ("again", _encoders[0]) })
        {
            if (name == "again")
                Encode(encoder, _documents, 1, ids);
            long before = GC.GetAllocatedBytesForCurrentThread();
            start = Stopwatch.GetTimestamp();
            _tokens = Encode(encoder, _documents, 1, ids);
            warm = Stopwatch.GetElapsedTime(start).TotalSeconds;
            Note(name, warm);
            Note($"{name} bytes", (double)(GC.GetAllocatedBytesForCurrentThread() - before) / _tokens);
        }
        Note("scaling", Scaling((int)Math.Ceiling(ScalingSeconds / warm)));

        ids.Clear();
        start = Stopwatch.GetTimestamp();
        _tokenizer.CreateEncoder().Encode(_longWord, false, ids);
        Note("word", Stopwatch.GetElapsedTime(start).TotalSeconds);

        if (crate is null || CratePath is null)
            return;
        (long tokens, double seconds) = crate.Pass(CratePath);
        Note("crate", seconds);
        if (tokens != _tokens)
            throw new InvalidOperationException($"{Name}: {_tokens} tokens, and {tokens} by the crate");
    }

    public string Row() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name,-12} {_tokens,7} {Rate("first"),11:F2} {Median("first bytes"),8:F3} {Rate("again"),6:F2} {Median("again bytes"),8:F3} {Median("scaling"),9:F2}x {Rate("crate"),10:F2} {Median("crate") / Median("first"),13:F1} {Median("word"),14:F3} {Median("load") * 1000,10:F0}");

    /// <summary>How many times as fast two threads are, with half of the documents each, than one thread with all of them. All words were seen before.</summary>
    private double Scaling(int passes)
    {
        string[] even = [.. _documents.Where((_, i) => i % 2 == 0)], odd = [.. _documents.Where((_, i) => i % 2 == 1)];
        Encode(_encoders[1], even, 1, []);
        Encode(_encoders[2], odd, 1, []);
        double one = TwoThreads.Seconds(() => Encode(_encoders[0], _documents, passes, new List<int>(16_000)));
        double two = TwoThreads.Seconds(
            () => Encode(_encoders[1], even, passes, new List<int>(16_000)),
            () => Encode(_encoders[2], odd, passes, new List<int>(16_000)));
        return one / two;
    }

    private static long Encode(TextEncoder encoder, string[] documents, int passes, List<int> ids)
    {
        long count = 0;
        for (int pass = 0; pass < passes; pass++)
        {
            foreach (string document in documents)
            {
                ids.Clear();
                encoder.Encode(document, false, ids);
                count += ids.Count;
            }
        }
        return count;
    }

    private void Note(string name, double value)
    {
        if (!_figures.TryGetValue(name, out List<double>? values))
            _figures[name] = values = [];
        values.Add(value);
    }

    private double Median(string name) => _figures.TryGetValue(name, out List<double>? values) ? Statistics.Median(values) : double.NaN;

    private double Rate(string name) => _tokens / Median(name) / 1e6;
}
