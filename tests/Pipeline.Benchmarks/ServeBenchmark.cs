using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Pipeline.Host.Tests.Serving;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures a server over loopback, with clients in the same process. <c>clients</c> compares its tokens per second with a bare loop. <c>prefix</c> asks for
/// a text that begins like an earlier one. <c>bytes</c> asks members with different tokenizers, and their ensemble. Without a name, all three are measured.
/// Arguments: <c>[clients|prefix|bytes] [--model DIR] [--student DIR] [--rounds N] [--threads N]</c>. Without a student, a byte-level one is trained first.
/// </summary>
internal static class ServeBenchmark
{
    public static async Task<int> Run(string[] args)
    {
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        int Number(string name, string value) => int.Parse(Option(name, value), CultureInfo.InvariantCulture);
        string? only = args.Length > 0 && !args[0].StartsWith("--", StringComparison.Ordinal) ? args[0] : null;
        string model = Path.GetFullPath(Option("--model", "data/models/tiny-llama"));
        (int rounds, int threads) = (Number("--rounds", "11"), Number("--threads", "1"));
        Console.WriteLine($"{threads} threads of the maths (0: all), medians of {rounds} rounds in turn");
        if (only is null or "clients")
            await ServeClientsBenchmark.Run(model, rounds, threads);
        if (only == "clients")
            return 0;
        string folder = Directory.CreateTempSubdirectory("alm-bench-").FullName;
        try
        {
            string student = Option("--student", "") is { Length: > 0 } given ? Path.GetFullPath(given) : await ServeBytesBenchmark.MakeAsync(model, folder, threads);
            if (only is null or "prefix")
                await ServePrefixBenchmark.Run(model, student, rounds, threads);
            if (only is null or "bytes")
                await ServeBytesBenchmark.Run(model, student, rounds, threads);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Asks for a completion: the answer, the milliseconds until it was there, and the milliseconds of processor time, the client's included.</summary>
    public static async Task<(JsonNode Answer, double Wall, double Processor)> AskAsync(ServedAlm server, object body)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        JsonNode answer = await server.PostAsync("v1/completions", body);
        return (answer, Stopwatch.GetElapsedTime(start).TotalMilliseconds, (Environment.CpuUsage.TotalTime - before).TotalMilliseconds);
    }
}
