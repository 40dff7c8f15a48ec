using System.Globalization;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Forward pass and whole training step beside PyTorch's: the same weights, ids and threads, a process each, one step here and one
/// there in turn. That both compute the same is seen by their losses. On the CPU in float32; on a card in bfloat16 with a float32 copy of
/// the weights for the optimizer.
/// </summary>
internal static class ModelsTrainBenchmark
{
    public const string IdsName = "ids.safetensors";

    /// <param name="OnCard">Of the size of real models, for a card; the others are for two cores.</param>
    public sealed record Size(string Name, int Hidden, int Layers, int Vocabulary, int Inner, int HeadDim, int Rounds, bool OnCard = false)
    {
        public const int Batch = 8;

        public int Length => OnCard ? 1024 : 256;

        public string Device => OnCard ? "cuda" : "cpu";
    }

    public static IReadOnlyList<Size> Sizes { get; } =
    [
        new("1M", 128, 4, 4096, 344, 32, 15),
        new("5M", 256, 4, 4096, 688, 64, 12),
        new("20M", 384, 8, 8192, 1024, 64, 8),
        new("135M", 576, 30, 32_000, 1536, 64, 4),
        new("0.5B", 1024, 24, 151_936, 4096, 64, 10, OnCard: true),
        new("1B", 2048, 16, 128_256, 8192, 64, 10, OnCard: true),
    ];

    public static void Run(string name)
    {
        Size size = Sizes.Single(size => size.Name == name);
        string folder = Directory.CreateTempSubdirectory("alm-models-train-").FullName;
        try
        {
            Write(folder, size);
            using WorkerProcess ours = WorkerProcess.Ours("models", "train-worker", folder, size.Device);
            using WorkerProcess? torch = WorkerProcess.Python("models_torch.py", folder, size.Device);
            WorkerProcess[] sides = torch is null ? [ours] : [ours, torch];
            long count = long.Parse(ours.Read(), CultureInfo.InvariantCulture);
            string? version = torch?.Read();
            double[] speeds = [.. sides.Select(side => side.Ask("gemm").Wall)];
            double speed = speeds.Max();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {count} parameters, {Size.Batch} x {size.Length} tokens, matrix product {string.Join(" and ", speeds.Select(s => $"{s / 1e9:F0}"))} GFLOP/s{(version is null ? "; no python3 with torch here: our side alone" : $", torch {version}")}"));
            // Attention's two products come on top of the parameters'; the vocabulary head is counted once, whatever computes it again.
            double forwardWork = (2.0 * count * Size.Batch * size.Length) + (4.0 * size.Layers * Size.Batch * size.Length * size.Length * size.Hidden);
            Compare("forward", forwardWork, size, sides, speed);
            Compare("step", 3 * forwardWork, size, sides, speed);
            Console.WriteLine($"  peak memory over the start: {string.Join(", ", sides.Select(side => $"{side.Name} {side.Ask("peak").Wall / (1 << 20):F0} MB"))}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Compare(string what, double work, Size size, WorkerProcess[] sides, double speed)
    {
        (int rounds, int tokens) = (size.Rounds, Size.Batch * size.Length);
        List<(double Wall, double Processor, double Loss)>[] answers = [.. sides.Select(_ => new List<(double, double, double)>())];
        // The first round warms up.
        for (int round = 0; round <= rounds; round++)
        {
            // Who goes first goes second next time.
            for (int k = 0; k < sides.Length; k++)
            {
                int i = (round + k) % sides.Length;
                answers[i].Add(sides[i].Ask(what));
            }
        }

        for (int i = 0; i < sides.Length; i++)
        {
            double wall = Statistics.Median([.. answers[i].Skip(1).Select(a => a.Wall)]), processor = Statistics.Median([.. answers[i].Skip(1).Select(a => a.Processor)]);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {what,-8}{sides[i].Name,-6}{tokens / wall,8:F0} tokens/s, {tokens / processor,6:F0} per processor second, {work / wall / 1e9:F0} GFLOP/s = {work / wall / speed:P0} of a matrix product, last loss {answers[i][^1].Loss:F4}"));
        }

        if (sides.Length == 2)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {what,-8}ours / torch: {Statistics.Median([.. answers[1].Zip(answers[0]).Skip(1).Select(pair => pair.First.Wall / pair.Second.Wall)]):F2} (median of {rounds} pairs)"));
    }

    private static void Write(string folder, Size size)
    {
        using var scope = NewDisposeScope();
        var storage = new DiskStorage();
        using CausalLm model = Create(size);
        model.Save(folder, storage, size.OnCard ? ScalarType.BFloat16 : ScalarType.Float32);
        using var generator = new Generator(1);
        Tensor ids = randint(0, size.Vocabulary, [Size.Batch, size.Length + 1], dtype: ScalarType.Int64, generator: generator);
        SafetensorsWriter.Write(Path.Combine(folder, IdsName), storage, [new TensorSource("ids", ScalarType.Int64, ids)]);
    }

    /// <summary>Memory after every quarter of the steps: it must not grow.</summary>
    public static void Growth(int steps)
    {
        using var scope = NewDisposeScope();
        using CausalLm model = Create(new Size("tiny", 64, 2, 512, 96, 16, 0));
        model.SetTrainable(TrainablePart.Full);
        using AdamW optimizer = new([new ParameterGroup(model.Parameters, 1e-3, 0.01)]);
        Tensor ids = randint(0, 512, [4, 65], dtype: ScalarType.Int64);
        Tensor inputs = ids.narrow(1, 0, 64).contiguous(), targets = ids.narrow(1, 1, 64).contiguous().reshape(-1);
        for (int i = 0; i <= steps; i++)
        {
            if (i % (steps / 4) == 0)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                Console.WriteLine($"growth: step {i}, resident {ModelsWork.Status("VmRSS:") >> 10} kB, of it the runtime's heap {GC.GetGCMemoryInfo().TotalCommittedBytes >> 10} kB");
            }

            Step(model, optimizer, inputs, targets, checkpoint: i % 2 == 0);
        }
    }

    private static CausalLm Create(Size size) => CausalLm.Create(
        ModelConfig.Parse(
            $$"""
            {"model_type": "llama", "hidden_size": {{size.Hidden}}, "intermediate_size": {{size.Inner}}, "num_hidden_layers": {{size.Layers}},
             "num_attention_heads": {{size.Hidden / size.HeadDim}}, "vocab_size": {{size.Vocabulary}}, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}
            """, "benchmark"),
        1, CPU, ScalarType.Float32);

    private static void Step(CausalLm model, AdamW optimizer, Tensor inputs, Tensor targets, bool checkpoint)
    {
        using var scope = NewDisposeScope();
        optimizer.ZeroGradients();
        using AttentionContext attention = model.CreateAttention((int)inputs.size(0), (int)inputs.size(1));
        Tensor hidden = model.Hidden(inputs, attention, checkpoint).reshape(-1, model.Config.HiddenSize);
        Tensor loss = -VocabularyHead.Score(hidden, model.HeadWeight, targets, new HeadOptions()).LogLikelihood.mean();
        loss.backward();
        optimizer.Step(1);
    }
}
