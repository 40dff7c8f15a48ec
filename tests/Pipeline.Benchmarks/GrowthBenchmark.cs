using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs;
using Pipeline.Stages;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Whether a token costs the same however much text there is: scoring and update as <c>alm run</c> does them, over a text once, ten times and a hundred times,
/// without what a flow takes to begin and end (that of one document, or of one step, is taken off); and what of scoring the tokenizers are. Each size has a process
/// of its own, because memory that an earlier flow leaves to its process is not growth. Arguments:
/// <c>[scoring|update] [--documents N] [--steps N] [--threads N] [--sizes 1,10,100]</c>; documents of 4,000 characters and steps of 2,048 tokens of the smallest size.
/// </summary>
/// <remarks>
/// Once is more than a hundred batches: with five, how the last ones are filled would be what is compared.
/// The teacher of scoring has one narrow layer, so that a hundred times take minutes and the other stages have a share of the time that could be seen to grow.
/// </remarks>
internal static class GrowthBenchmark
{
    private const string Model = "data/models/tiny-llama";

    private sealed record Measured(double Wall, double Processor, long Tokens, long Peak, long Files);

    public static async Task<int> Run(string[] args)
    {
        if (args is ["worker", var place, var flow, var unit, var total])
            return await WorkAsync(place, flow, long.Parse(unit, CultureInfo.InvariantCulture), long.Parse(total, CultureInfo.InvariantCulture));
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        int Number(string name, string value) => int.Parse(Option(name, value), CultureInfo.InvariantCulture);
        int documents = Number("--documents", "160"), steps = Number("--steps", "8"), threads = Number("--threads", "0");
        string? only = args.Length > 0 && !args[0].StartsWith("--", StringComparison.Ordinal) ? args[0] : null;
        int[] sizes = [.. Option("--sizes", "1,10,100").Split(',').Select(s => int.Parse(s, CultureInfo.InvariantCulture))];
        // For the sizes' processes. The runtime compiles busy code a second time, on a thread of its own: seconds that are there once, but would be shared by few tokens.
        Environment.SetEnvironmentVariable("DOTNET_TieredCompilation", "0");
        var storage = new DiskStorage();
        string folder = Directory.CreateTempSubdirectory("alm-bench-").FullName;
        try
        {
            string[] texts = BenchmarkText.Documents([.. Directory.GetFiles("data/text", "train-*.parquet").Order(StringComparer.Ordinal)], storage);
            await File.WriteAllLinesAsync(
                Path.Combine(folder, "text.jsonl"), Enumerable.Range(0, sizes.Max() * documents).Select(i => JsonSerializer.Serialize(new { text = texts[i % texts.Length] })));
            if (only is null or "scoring")
            {
                string teacher = Teacher(folder, storage);
                await File.WriteAllTextAsync(Path.Combine(folder, "score.json"), Score(folder, teacher, threads));
                double scoring = Compare("scoring", folder, "score", sizes, documents), tokenizers = Tokenizers(texts, storage);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"both tokenizers take {tokenizers * 1e6:F3} processor microseconds per teacher token, {tokenizers / scoring:P2} of scoring's"));
            }
            if (only is null or "update")
            {
                string kept = Path.Combine(folder, "kept.json"), from = Path.Combine(folder, "kept");
                await File.WriteAllTextAsync(kept, Score(folder, Path.GetFullPath(Model), threads));
                await MeasureAsync(storage, kept, from, "score", $"flows.score.read-jsonl.maxRows={documents}");
                await File.WriteAllTextAsync(Path.Combine(folder, "distill.json"), Definition(Path.GetFullPath(Model), "distill", threads, $$"""
                    { "stage": "read-shards", "from": ["{{Path.Combine(from, "shards")}}"], "epochs": 0 },
                    { "stage": "batch", "tokens": 2048 },
                    { "stage": "update-student", "to": "student", "objectives": { "alm": {}, "sft": {} }, "steps": 1, "learningRate": 1e-3 }
                    """));
                Compare("update", folder, "distill", sizes, steps);
            }
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Score(string folder, string teacher, int threads) => Definition(teacher, "score", threads, $$"""
        { "stage": "read-jsonl", "files": ["{{Path.Combine(folder, "text.jsonl")}}"], "maxRows": 1 },
        { "stage": "tokenize", "maxTeacherTokens": 256 },
        { "stage": "score-teacher", "batchTokens": 2048 },
        { "stage": "write-shards", "to": "shards", "count": 1 }
        """);

    private static string Definition(string teacher, string flow, int threads, string stages) => $$"""
        {
          "name": "growth", "seed": 17, "threads": {{threads}},
          "teacher": { "model": "{{teacher}}" },
          "student": { "model": "{{Path.GetFullPath(Model)}}", "tokenizer": "bytes", "embeddings": "fvt" },
          "flows": [ { "name": "{{flow}}", "stages": [ {{stages}} ] } ]
        }
        """;

    /// <returns>The folder of a model of one layer with the tokenizer of <see cref="Model"/>.</returns>
    private static string Teacher(string folder, DiskStorage storage)
    {
        string teacher = Directory.CreateDirectory(Path.Combine(folder, "teacher")).FullName;
        foreach (string name in new[] { "tokenizer.json", "tokenizer_config.json", "generation_config.json" })
            File.Copy(Path.Combine(Model, name), Path.Combine(teacher, name));
        TorchLoader.Load();
        using CausalLm model = CausalLm.Create(
            ModelConfig.Parse(
                """
                {"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 1024,
                 "bos_token_id": 1022, "eos_token_id": 1023, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}
                """, "benchmark"),
            1, CPU, ScalarType.Float32);
        model.Save(teacher, storage, ScalarType.Float32);
        return teacher;
    }

    /// <returns>Processor seconds of a token in the largest size.</returns>
    private static double Compare(string what, string folder, string flow, int[] sizes, int unit)
    {
        double first = 0, last = 0;
        foreach (int size in sizes)
        {
            // Small ones more often: a large one is its own average.
            int rounds = Math.Max(1, 5 - (2 * (int)Math.Log10(size)));
            List<(Measured None, Measured All)> measured = [];
            for (int round = 0; round < rounds; round++)
            {
                using WorkerProcess worker = WorkerProcess.Ours("growth", "worker", folder, flow, $"{unit}", $"{(long)size * unit}");
                measured.Add((Read(worker), Read(worker)));
            }
            long tokens = measured[0].All.Tokens - measured[0].None.Tokens;
            double wall = Statistics.Median(measured.Select(m => (m.All.Wall - m.None.Wall) / tokens)), processor = Statistics.Median(measured.Select(m => (m.All.Processor - m.None.Processor) / tokens));
            first = first == 0 ? processor : first;
            last = processor;
            (long peak, long files) = (measured.Max(m => m.All.Peak), measured.Max(m => m.All.Files));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{what,-8}{size,4} times: {tokens,9} tokens, {wall * 1e6,7:F2} microseconds each, {processor * 1e6,7:F2} of processors ({processor / first:F3} of once), resident at most {peak >> 20} MiB, {files >> 20} of it files; median of {rounds}"));
        }
        return last;
    }

    private static Measured Read(WorkerProcess worker) => JsonSerializer.Deserialize<Measured>(worker.Read())!;

    /// <summary>One size in this process: two lines, of the smallest flow and of the whole, after one that warms up.</summary>
    private static async Task<int> WorkAsync(string folder, string flow, long unit, long total)
    {
        string counted = flow == "score" ? "read-jsonl.maxRows" : "update-student.steps";
        Task<Measured> Measure(long count)
            => MeasureAsync(new DiskStorage(), Path.Combine(folder, $"{flow}.json"), Path.Combine(folder, "run"), flow, $"flows.{flow}.{counted}={count}");
        await Measure(unit);
        foreach (long count in new[] { 1, total })
            Console.WriteLine(JsonSerializer.Serialize(await Measure(count)));
        return 0;
    }

    private static async Task<Measured> MeasureAsync(DiskStorage storage, string definition, string run, string flow, string set)
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
        StageCounts counts = RunProgress.Read(storage, run).Flows[flow].Total()[2];
        return new Measured(
            wall, (Environment.CpuUsage.TotalTime - before).TotalSeconds, counts.Counts["tokens"], ModelsWork.Status("VmHWM:"), ModelsWork.Status("RssFile:"));
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
