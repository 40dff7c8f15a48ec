using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures models and the vocabulary head on the CPU: <c>models head</c>, <c>models train</c>, <c>models padding</c>, <c>models growth</c>,
/// <c>models products</c> and <c>models sgemm</c>. On a GPU there is <c>models train 0.5B 1B</c>. <c>ALM_THREADS</c> is the number of threads, by default 2.
/// </summary>
public static class ModelBenchmark
{
    public static int Run(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        TorchLoader.Load();
        set_num_threads(Threads);
        manual_seed(1);
        string[] rest = args.Length > 1 ? args[1..] : [];
        switch (args.FirstOrDefault())
        {
            case "head":
                ModelsHeadBenchmark.Run(rest);
                return 0;
            case "train":
                foreach (string size in rest.Length == 0 ? ModelsTrainBenchmark.Sizes.Where(size => !size.OnCard).Select(size => size.Name) : rest)
                    ModelsTrainBenchmark.Run(size);
                return 0;
            case "train-worker":
                return ModelsTrainWorker.Serve(rest[0], Enum.Parse<DeviceChoice>(rest[1], ignoreCase: true));
            case "padding":
                return ModelsPaddingBenchmark.Run(rest).GetAwaiter().GetResult();
            case "growth":
                ModelsTrainBenchmark.Growth(rest.Length == 0 ? 2000 : Number(rest[0]));
                return 0;
            case "products":
                ModelsProductsBenchmark.Run(rest[0], rest.Length > 1 ? Number(rest[1]) : 6000);
                return 0;
            case "sgemm":
                using (TorchDevice device = TorchDevice.Create(DeviceChoice.Cpu, Threads))
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"sgemm {ModelsWork.MatrixSpeed(device) / 1e9:F1} GFLOP/s"));
                return 0;
            default:
                Console.Error.WriteLine("models: head [tokens] [width ...] [--slice N] [--keep N] [--rounds N] [--likelihood] | train [1M|5M|20M ..., on a card 0.5B|1B] | padding FILE[:COLUMN] ... | growth [STEPS] | products onednn|mkl [STEPS] | sgemm");
                return 64;
        }
    }

    internal static int Threads => Number(Environment.GetEnvironmentVariable("ALM_THREADS") ?? "2");

    internal static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
