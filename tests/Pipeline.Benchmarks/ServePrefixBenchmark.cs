using System.Diagnostics;
using System.Globalization;
using System.Text;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Tests.Serving;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures the time of a request whose first 1,000 tokens the server has not seen before, and of the next one, which begins alike but ends differently.
/// </summary>
internal static class ServePrefixBenchmark
{
    private const int Tokens = 1_000;

    public static async Task Run(string model, string student, int rounds, int threads)
    {
        await using ServedAlm server = await ServedAlm.StartAsync(
            "--model", $"teacher={model}", "--model", $"student={student}", "--ensemble", "both=teacher,student", "--threads", threads.ToString(CultureInfo.InvariantCulture));
        TextTokenizer tokens = TextTokenizer.Load(model, new DiskStorage()), bytes = TextTokenizer.Load(student, new DiskStorage());
        await MeasureAsync("tokens and one more", server, tokens, rounds, prompt => new { model = "teacher", prompt, max_tokens = 1, temperature = 0 });
        await MeasureAsync("tokens and their log-probabilities", server, tokens, rounds, prompt => new { model = "teacher", prompt, max_tokens = 1, temperature = 0, echo = true, logprobs = 1 });
        await MeasureAsync("bytes and one more, from both", server, bytes, rounds, prompt => new { model = "both", prompt, max_tokens = 1, temperature = 0 });
        // The time that HTTP alone takes here.
        List<double> empty = [];
        for (int round = 0; round <= rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            await server.GetAsync("health");
            empty.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  a request that asks for nothing: {Statistics.Median(empty):F2} ms"));
    }

    private static async Task MeasureAsync(string name, ServedAlm server, TextTokenizer tokenizer, int rounds, Func<string, object> body)
    {
        List<(double Wall, double Processor)> first = [], second = [];
        // The first round warms up.
        for (int round = 0; round <= rounds; round++)
        {
            string context = Context(name, round, tokenizer);
            (_, double wall, double processor) = await ServeBenchmark.AskAsync(server, body(context + " How many are left?"));
            (_, double wallAgain, double processorAgain) = await ServeBenchmark.AskAsync(server, body(context + " Who has more of them?"));
            if (round == 0)
                continue;
            first.Add((wall, processor));
            second.Add((wallAgain, processorAgain));
        }
        static double Median(List<(double Wall, double Processor)> times, Func<(double Wall, double Processor), double> of) => Statistics.Median(times.Select(of));
        double Ratio(Func<(double Wall, double Processor), double> of) => Statistics.Median(first.Zip(second, (a, b) => of(b) / of(a)));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"  {Tokens} {name}: {Median(first, t => t.Wall):F1} ms, the next that begins alike {Median(second, t => t.Wall):F1} ms, {Ratio(t => t.Wall):F3} of it; of processor time {Median(first, t => t.Processor):F1} and {Median(second, t => t.Processor):F1} ms, {Ratio(t => t.Processor):F3}"));
    }

    // No two contexts begin alike.
    private static string Context(string name, int round, TextTokenizer tokenizer)
    {
        var random = new Random(HashCode.Combine(name.Length, round));
        var text = new StringBuilder();
        while (tokenizer.CountTokens(text.ToString()) < Tokens)
            text.Append(CultureInfo.InvariantCulture, $"{(char)('A' + random.Next(26))}om has {random.Next(1000)} apples and gives {random.Next(100)} of them to Ann. ");
        return text.ToString().TrimEnd();
    }
}
