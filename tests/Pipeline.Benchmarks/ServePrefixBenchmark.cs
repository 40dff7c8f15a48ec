using System.Globalization;
using System.Text;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Tests.Serving;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Benchmarks;

/// <summary>Seconds of a request whose first 1,000 tokens nobody sent before, and of the next one, which begins alike and ends otherwise.</summary>
internal static class ServePrefixBenchmark
{
    private const int Tokens = 1_000;

    public static async Task Run(string model, int rounds, int threads)
    {
        TextTokenizer tokenizer = TextTokenizer.Load(model, new DiskStorage());
        await using ServedAlm server = await ServedAlm.StartAsync("--model", model, "--threads", threads.ToString(CultureInfo.InvariantCulture));
        await MeasureAsync("one token more", server, tokenizer, rounds, prompt => new { prompt, max_tokens = 1, temperature = 0 });
        await MeasureAsync("the prompt's log-probabilities", server, tokenizer, rounds, prompt => new { prompt, max_tokens = 1, temperature = 0, echo = true, logprobs = 1 });
        // What HTTP alone takes here.
        List<double> empty = [];
        for (int round = 0; round <= rounds; round++)
        {
            long start = System.Diagnostics.Stopwatch.GetTimestamp();
            await server.GetAsync("health");
            empty.Add(System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  a request that asks for nothing: {Statistics.Median(empty):F2} ms"));
    }

    private static async Task MeasureAsync(string name, ServedAlm server, TextTokenizer tokenizer, int rounds, Func<string, object> body)
    {
        List<double> first = [], second = [];
        for (int round = 0; round <= rounds; round++)
        {
            string context = Context(name, round, tokenizer);
            (_, double fresh) = await ServeBenchmark.AskAsync(server, body(context + " How many are left?"));
            (_, double again) = await ServeBenchmark.AskAsync(server, body(context + " Who has more of them?"));
            // The first round warms up.
            if (round == 0)
                continue;
            first.Add(fresh);
            second.Add(again);
        }
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {Tokens} tokens and {name}: {1e3 * Statistics.Median(first):F1} ms, the next that begins alike {1e3 * Statistics.Median(second):F1} ms, {Statistics.Median(first.Zip(second, (a, b) => b / a)):F3} of it (fastest {1e3 * first.Min():F1} and {1e3 * second.Min():F1} ms, {second.Min() / first.Min():F3})"));
    }

    // No two begin alike.
    private static string Context(string name, int round, TextTokenizer tokenizer)
    {
        var random = new Random(HashCode.Combine(name.Length, round));
        var text = new StringBuilder();
        while (tokenizer.CountTokens(text.ToString()) < Tokens)
            text.Append(CultureInfo.InvariantCulture, $"{(char)('A' + random.Next(26))}om has {random.Next(1000)} apples and gives {random.Next(100)} of them to Ann. ");
        return text.ToString().TrimEnd();
    }
}
