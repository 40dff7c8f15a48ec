using System.Globalization;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures tokenizers: millions of tokens per second on one thread, with an empty word cache and again with one that has seen the text; bytes allocated per
/// token; what a second thread adds; the time for one word of a million characters; and the time to load. Reports medians over rounds in which all tokenizers
/// take turns, so that a noisy machine disturbs all of them alike. Arguments: <c>--text FILE...</c> (Parquet, JSON Lines or plain text), <c>--tokenizer
/// PATH...</c> (folders, or "bytes"), <c>--rounds N</c>, and <c>--crate FOLDER</c>, a copy of <c>tokenizers-npm/</c> in which <c>npm install</c> was run.
/// Hugging Face's crate then takes part in every round, and must give the same number of tokens.
/// </summary>
internal static class TokenizationBenchmark
{
    private const long ControlSteps = 1_500_000_000;

    public static int Run(string[] args, IStorage storage)
    {
        Dictionary<string, List<string>> options = [];
        foreach (string arg in args)
        {
            if (arg.StartsWith("--", StringComparison.Ordinal))
                options[arg] = [];
            else if (options.Count > 0)
                options.Last().Value.Add(arg);
        }
        List<string> paths = options.GetValueOrDefault("--tokenizer", [TextTokenizer.BytesPath]);
        int rounds = int.Parse(options.GetValueOrDefault("--rounds", ["5"])[0], CultureInfo.InvariantCulture);
        string[] documents = BenchmarkText.Documents(options.GetValueOrDefault("--text", []), storage);
        Console.WriteLine($"{documents.Length} documents, {documents.Sum(d => (long)d.Length):N0} UTF-16 units, {rounds} rounds");
        using CrateProcess? crate = options.TryGetValue("--crate", out List<string>? folder) ? new CrateProcess(folder[0], documents) : null;
        TokenizerMeasurement[] all = [.. paths.Select(p => new TokenizerMeasurement(p, documents, storage))];
        // The first round also compiles code and fills caches, the crate's too. It counts, but hardly moves a median.
        List<double> ceilings = [];
        for (int round = 0; round < rounds; round++)
        {
            foreach (TokenizerMeasurement m in all)
                m.Round(crate);
            ceilings.Add(TwoThreads.Ceiling(ControlSteps));
        }
        Console.WriteLine(TokenizerMeasurement.Header);
        foreach (TokenizerMeasurement m in all)
            Console.WriteLine(m.Row());
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"two threads of arithmetic that share nothing: {Statistics.Median(ceilings):F2}x"));
        return 0;
    }
}
