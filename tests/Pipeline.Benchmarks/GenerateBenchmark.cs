using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Prompt and new tokens per second of processor time beside llama.cpp's of the same float32 weights, a process each, in turn, each side as fast as its defaults
/// make it; and bytes per second of a byte student beside its teacher. Arguments: <c>[1M|134M|bytes] [--rounds N] [--threads 1,2] [--folder DIR]</c>;
/// the models are left in DIR.
/// </summary>
internal static class GenerateBenchmark
{
    private sealed record Work(int Rows, int Prompt, int New);

    public static int Run(string[] args)
    {
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        if (args is ["worker", var side, var model, var count])
            return GenerateWorker.Serve(side, model, int.Parse(count, CultureInfo.InvariantCulture));
        string? only = args.Length > 0 && !args[0].StartsWith("--", StringComparison.Ordinal) ? args[0] : null;
        int rounds = int.Parse(Option("--rounds", "5"), CultureInfo.InvariantCulture);
        string kept = Option("--folder", ""), folder = kept.Length > 0 ? Path.GetFullPath(kept) : Directory.CreateTempSubdirectory("alm-bench-").FullName;
        try
        {
            foreach (string threads in Option("--threads", "1,2").Split(','))
            {
                if (only is null or "1M")
                    Compare("1M", Path.GetFullPath("data/models/tiny-llama"), folder, threads, rounds, [new(1, 256, 128), new(8, 256, 128)]);
                if (only is null or "134M")
                    Compare("134M", Path.Combine(folder, "large"), folder, threads, rounds, [new(1, 128, 16), new(8, 128, 16)]);
            }
            return 0;
        }
        finally
        {
            if (kept.Length == 0)
                Directory.Delete(folder, recursive: true);
        }
    }

    private static void Compare(string name, string model, string folder, string threads, int rounds, Work[] works)
    {
        string file = Path.Combine(folder, $"{name}.gguf");
        if (!File.Exists(file))
            Make(model, file);
        using WorkerProcess ours = WorkerProcess.Ours("generate", "worker", "ours", model, threads);
        using WorkerProcess llama = WorkerProcess.Ours("generate", "worker", "llama", file, threads);
        WorkerProcess[] sides = [ours, llama];
        foreach (Work work in works)
        {
            var prompt = new List<double>[] { [], [] };
            var fresh = new List<double>[] { [], [] };
            bool areSame = true;
            // The first round warms up; who goes first goes second next time.
            for (int round = 0; round <= rounds; round++)
            {
                double[] sums = new double[2];
                for (int k = 0; k < 2; k++)
                {
                    int i = (round + k) % 2;
                    double first = sides[i].Ask($"prompt {work.Rows} {work.Prompt} {work.New}").Processor;
                    (_, double next, sums[i]) = sides[i].Ask($"new {work.New}");
                    if (round == 0)
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
