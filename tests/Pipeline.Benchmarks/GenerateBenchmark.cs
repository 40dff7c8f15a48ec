using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Prompt and new tokens per second of processor time beside llama.cpp's of the same float32 weights, a process each, in turn. Arguments:
/// <c>[1M|134M|bytes] [--float32-keys] [--rounds N] [--threads 1,2] [--folder DIR]</c>; llama.cpp has its defaults, keys and values of float16 and flash attention, or
/// float32 without; the models are left in DIR. With <c>bytes</c>: see <see cref="GenerateBytesBenchmark"/>.
/// </summary>
internal static class GenerateBenchmark
{
    private sealed record Work(int Rows, int Prompt, int New, int Warm);

    public static int Run(string[] args)
    {
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        if (args is ["worker", var side, var model, var count])
            return GenerateWorker.Serve(side, model, int.Parse(count, CultureInfo.InvariantCulture));
        string? only = args.Length > 0 && !args[0].StartsWith("--", StringComparison.Ordinal) ? args[0] : null;
        int rounds = int.Parse(Option("--rounds", "5"), CultureInfo.InvariantCulture);
        string llama = args.Contains("--float32-keys") ? "llama-float32" : "llama";
        string kept = Option("--folder", ""), folder = kept.Length > 0 ? Path.GetFullPath(kept) : Directory.CreateTempSubdirectory("alm-bench-").FullName;
        try
        {
            foreach (string threads in Option("--threads", "1,2").Split(','))
            {
                if (only is null or "1M")
                    Compare("1M", Path.GetFullPath("data/models/tiny-llama"), folder, llama, threads, rounds, [new(1, 256, 128, 8), new(8, 256, 128, 2)]);
                if (only is null or "bytes")
                    GenerateBytesBenchmark.Run(Path.GetFullPath("data/models/tiny-llama"), folder, threads, rounds);
                if (only is null or "134M")
                    Compare("134M", Path.Combine(folder, "large"), folder, llama, threads, rounds, [new(1, 128, 16, 1), new(8, 128, 16, 1)]);
            }
            return 0;
        }
        finally
        {
            if (kept.Length == 0)
                Directory.Delete(folder, recursive: true);
        }
    }

    private static void Compare(string name, string model, string folder, string llamaSide, string threads, int rounds, Work[] works)
    {
        string file = Path.Combine(folder, $"{name}.gguf");
        if (!File.Exists(file))
            Make(model, file);
        using WorkerProcess ours = WorkerProcess.Ours("generate", "worker", "ours", model, threads);
        using WorkerProcess llama = WorkerProcess.Ours("generate", "worker", llamaSide, file, threads);
        WorkerProcess[] sides = [ours, llama];
        foreach (Work work in works)
        {
            var prompt = new List<double>[] { [], [] };
            var fresh = new List<double>[] { [], [] };
            bool areSame = true;
            // The first rounds warm up; who goes first goes second next time.
            for (int round = -work.Warm; round < rounds; round++)
            {
                double[] sums = new double[2];
                for (int k = 0; k < 2; k++)
                {
                    int i = (round + work.Warm + k) % 2;
                    double first = sides[i].Ask($"prompt {work.Rows} {work.Prompt} {work.New}").Processor;
                    (_, double next, sums[i]) = sides[i].Ask($"new {work.New}");
                    if (round < 0)
                        continue;
                    prompt[i].Add(work.Rows * work.Prompt / first);
                    fresh[i].Add(work.Rows * work.New / next);
                }
                areSame &= sums[0] == sums[1];
            }
            string Line(List<double>[] rates) => string.Create(
                CultureInfo.InvariantCulture,
                $"{Statistics.Median(rates[0]),8:F0} and llama.cpp {Statistics.Median(rates[1]),8:F0} per processor second, {Statistics.Median(rates[0].Zip(rates[1], (a, b) => a / b)):F2} of it");
            Console.WriteLine($"{name}, {threads} threads, {work.Rows} rows: prompt of {work.Prompt} {Line(prompt)}; {work.New} new {Line(fresh)}; {(areSame ? "the same tokens" : "other tokens")}");
        }
    }

    private static void Make(string model, string file)
    {
        var storage = new DiskStorage();
        using TorchDevice torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null, ScalarType.Float32);
        torch.RunAsync(() =>
        {
            if (!Directory.Exists(model))
                GgufBenchmark.Make(model, storage);
            GgufModelFile.Convert(model, null, file, GgufType.F32, storage, torch);
        }).GetAwaiter().GetResult();
    }
}
