using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs;
using Pipeline.Stages;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Benchmarks;

/// <summary>
/// Whether a token costs the same however much text there is: scoring and update as <c>alm run</c> does them, over a text once, ten times and a hundred times,
/// without what a flow takes to begin and end (that of one document, or of one step, is taken off); and what of scoring the tokenizers are. Arguments:
/// <c>[scoring|update] [--documents N] [--steps N] [--threads N] [--sizes 1,10,100]</c>; documents of 4,000 characters and steps of 2,048 tokens of the smallest size.
/// </summary>
internal static class GrowthBenchmark
{
    private const string Model = "data/models/tiny-llama";

    private sealed record Measured(double Wall, double Processor, long Tokens, long Peak);

    public static async Task<int> Run(string[] args)
    {
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        int Number(string name, string value) => int.Parse(Option(name, value), CultureInfo.InvariantCulture);
        int documents = Number("--documents", "32"), steps = Number("--steps", "8"), threads = Number("--threads", "0");
        string? only = args.Length > 0 && !args[0].StartsWith("--", StringComparison.Ordinal) ? args[0] : null;
        int[] sizes = [.. Option("--sizes", "1,10,100").Split(',').Select(s => int.Parse(s, CultureInfo.InvariantCulture))];
        var storage = new DiskStorage();
        string folder = Directory.CreateTempSubdirectory("alm-bench-").FullName;
        try
        {
            string[] texts = [.. BenchmarkText.Documents([.. Directory.GetFiles("data/text", "train-*.parquet").Order(StringComparer.Ordinal)], storage).Take(documents)];
            string file = Path.Combine(folder, "text.jsonl");
            await File.WriteAllLinesAsync(file, Enumerable.Range(0, sizes.Max()).SelectMany(_ => texts.Select(text => JsonSerializer.Serialize(new { text }))));
            string score = Path.Combine(folder, "score.json"), distill = Path.Combine(folder, "distill.json"), run = Path.Combine(folder, "run");
            await File.WriteAllTextAsync(score, Definition("score", threads, $$"""
                { "stage": "read-jsonl", "files": ["{{file}}"], "maxRows": 1 },
                { "stage": "tokenize", "maxTeacherTokens": 256 },
                { "stage": "score-teacher", "batchTokens": 8192 },
                { "stage": "write-shards", "to": "shards", "count": 1 }
                """));
            await File.WriteAllTextAsync(distill, Definition("distill", threads, $$"""
                { "stage": "read-shards", "from": ["{{Path.Combine(folder, "kept", "shards")}}"], "epochs": 0 },
                { "stage": "batch", "tokens": 2048 },
                { "stage": "update-student", "to": "student", "objectives": { "alm": {}, "sft": {} }, "steps": 1, "learningRate": 1e-3 }
                """));
            Task<Measured> Score(long rows, string to) => MeasureAsync(storage, score, to, "score", 2, $"flows.score.read-jsonl.maxRows={rows}");
            Task<Measured> Update(long count, string to) => MeasureAsync(storage, distill, to, "distill", 2, $"flows.distill.update-student.steps={count}");
            // The first ones warm up.
            await Score(5L * documents, Path.Combine(folder, "kept"));
            if (only is null or "scoring")
            {
                double scoring = await Compare("scoring", sizes, documents, rows => Score(rows, run));
                double tokenizers = Tokenizers(texts, storage);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"both tokenizers take {tokenizers * 1e6:F3} processor microseconds per teacher token, {tokenizers / scoring:P2} of scoring's"));
            }
            if (only is null or "update")
            {
                await Update(5L * steps, run);
                await Compare("update", sizes, steps, count => Update(count, run));
            }
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Definition(string flow, int threads, string stages) => $$"""
        {
          "name": "growth", "seed": 17, "threads": {{threads}},
          "teacher": { "model": "{{Path.GetFullPath(Model)}}" },
          "student": { "model": "{{Path.GetFullPath(Model)}}", "tokenizer": "bytes", "embeddings": "fvt" },
          "flows": [ { "name": "{{flow}}", "stages": [ {{stages}} ] } ]
        }
        """;

    /// <returns>Processor seconds of a token in the largest size.</returns>
    private static async Task<double> Compare(string what, int[] sizes, int unit, Func<long, Task<Measured>> run)
    {
        double first = 0, last = 0;
        foreach (int size in sizes)
        {
            // Small ones more often: a large one is its own average.
            int rounds = Math.Max(1, 9 / (int)Math.Ceiling(Math.Sqrt(size)));
            List<double> walls = [], processors = [];
            long peak = 0, tokens = 0;
            for (int round = 0; round < rounds; round++)
            {
                Measured none = await run(1), all = await run((long)size * unit);
                tokens = all.Tokens - none.Tokens;
                walls.Add((all.Wall - none.Wall) / tokens);
                processors.Add((all.Processor - none.Processor) / tokens);
                peak = Math.Max(peak, all.Peak);
            }
            (double wall, double processor) = (Statistics.Median(walls), Statistics.Median(processors));
            first = first == 0 ? processor : first;
            last = processor;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{what,-8}{size,4} times: {tokens,9} tokens, {wall * 1e6,7:F2} microseconds each, {processor * 1e6,7:F2} of processors ({processor / first:F3} of once), resident at most {peak >> 20} MiB; median of {rounds}"));
        }
        return last;
    }

    private static async Task<Measured> MeasureAsync(DiskStorage storage, string definition, string run, string flow, int counted, string set)
    {
        if (Directory.Exists(run))
            Directory.Delete(run, recursive: true);
        GC.Collect();
        await File.WriteAllTextAsync("/proc/self/clear_refs", "5");
        TimeSpan before = Environment.CpuUsage.TotalTime;
        using var output = new StringWriter();
        long start = Stopwatch.GetTimestamp();
        int code = await AlmCommandLine.InvokeAsync(
            ["run", definition, "--run", run, "--plain", "--set", set], new CommandEnvironment { Stages = StageTable.All, Output = output, Error = output });
        double wall = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (code != 0)
            throw new InvalidOperationException(output.ToString());
        StageCounts counts = RunProgress.Read(storage, run).Flows[flow].Total()[counted];
        return new Measured(wall, (Environment.CpuUsage.TotalTime - before).TotalSeconds, counts.Counts["tokens"], ModelsWork.Status("VmHWM:"));
    }

    // Processor seconds per teacher token of turning the text into both sides' tokens.
    private static double Tokenizers(string[] texts, DiskStorage storage)
    {
        TextTokenizer teacher = TextTokenizer.Load(Path.GetFullPath(Model), storage);
        TextTokenizer student = TextTokenizer.Bytes([], null, null, null);
        List<int> ids = [];
        long tokens = 0;
        double Once()
        {
            (TextEncoder ours, TextEncoder theirs) = (teacher.CreateEncoder(), student.CreateEncoder());
            tokens = 0;
            return ModelsWork.Once(() =>
            {
                for (int i = 0; i < 20; i++)
                {
                    foreach (string text in texts)
                    {
                        ids.Clear();
                        ours.Encode(text, addSpecialTokens: true, ids);
                        tokens += ids.Count;
                        ids.Clear();
                        theirs.Encode(text, addSpecialTokens: true, ids);
                    }
                }
            }).Processor;
        }
        Once();
        double seconds = Statistics.Median(Enumerable.Range(0, 9).Select(_ => Once()));
        return seconds / tokens;
    }
}
