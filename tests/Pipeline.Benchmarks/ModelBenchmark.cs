using System.Globalization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// <c>models head [tokens] [width ...]</c>, <c>models train [size ...]</c>, <c>models growth</c>, <c>models sgemm</c>: figures of models and the vocabulary head on the CPU.
/// Threads: <c>ALM_THREADS</c>, default 2.
/// </summary>
public static class ModelBenchmark
{
    public static int Run(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        TorchLoader.Load();
        set_num_threads(Number(Environment.GetEnvironmentVariable("ALM_THREADS") ?? "2"));
        manual_seed(1);
        string[] rest = args.Length > 1 ? args[1..] : [];
        switch (args.FirstOrDefault())
        {
            case "head":
                ModelsHeadBenchmark.Run(rest.Length == 0 ? 4096 : Number(rest[0]), rest.Length < 2 ? [64, 256] : [.. rest.Skip(1).Select(Number)]);
                return 0;
            case "train":
                double speed = ModelsWork.MatrixSpeed();
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"sgemm {speed / 1e9:F1} GFLOP/s"));
                foreach (string size in rest.Length == 0 ? ModelsTrainBenchmark.Sizes.Select(size => size.Name) : rest)
                    ModelsTrainBenchmark.Run(size, size == "20M" ? 6 : 12, speed);
                return 0;
            case "growth":
                ModelsTrainBenchmark.Growth(2000);
                return 0;
            case "sgemm":
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"sgemm {ModelsWork.MatrixSpeed() / 1e9:F1} GFLOP/s"));
                return 0;
            default:
                Console.Error.WriteLine("models: head [tokens] [width ...] | train [1M|5M|20M ...] | growth | sgemm");
                return 64;
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
