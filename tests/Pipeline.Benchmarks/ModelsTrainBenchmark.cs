using System.Globalization;
using Pipeline.Stages.Models;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Forward pass and whole training step, in tokens per second and as a share of the machine's matrix speed; models_torch.py
/// does the same in PyTorch with the same sizes.
/// </summary>
internal static class ModelsTrainBenchmark
{
    private const int Batch = 8, Length = 256;

    public sealed record Size(string Name, int Hidden, int Layers, int Vocabulary, int Inner, int HeadDim);

    public static IReadOnlyList<Size> Sizes { get; } =
    [
        new("1M", 128, 4, 4096, 344, 32),
        new("5M", 256, 4, 4096, 688, 64),
        new("20M", 384, 8, 8192, 1024, 64),
    ];

    public static void Run(string name, int steps, double matrixSpeed)
    {
        Size size = Sizes.Single(size => size.Name == name);
        using var scope = NewDisposeScope();
        using CausalLm model = Create(size);
        long count = model.Parameters.Sum(parameter => parameter.Tensor.numel());
        using Tensor ids = randint(0, size.Vocabulary, [Batch, Length + 1], dtype: ScalarType.Int64);
        Tensor inputs = ids.narrow(1, 0, Length).contiguous(), targets = ids.narrow(1, 1, Length).contiguous().reshape(-1);
        ModelsWork.Clocks forward = ModelsWork.Time(steps, () => Forward(model, inputs, targets));
        model.SetTrainable(TrainablePart.Full);
        using AdamW optimizer = new([new ParameterGroup(model.Parameters, 1e-3, 0.01)]);
        ModelsWork.Clocks? train = null;
        long peak = ModelsWork.PeakAbove(() => train = ModelsWork.Time(steps, () => Step(model, optimizer, inputs, targets)));
        double tokens = Batch * Length, work = 6.0 * count * tokens + 12.0 * size.Layers * Batch * Length * Length * size.Hidden;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ours {name} {count} parameters: forward {tokens / forward.Wall.Min():F0} best {tokens / ModelsWork.Median(forward.Wall):F0} median tokens/s, {tokens / ModelsWork.Median(forward.Processor):F0} per processor second; train {tokens / train!.Wall.Min():F0} best {tokens / ModelsWork.Median(train.Wall):F0} median, {tokens / ModelsWork.Median(train.Processor):F0} per processor second; {work / train.Wall.Min() / 1e9:F1} GFLOP/s = {work / train.Wall.Min() / matrixSpeed:P0} of sgemm; peak {peak >> 20} MB over the start"));
    }

    /// <summary>Memory after every 500 of 2,000 steps: it must not grow.</summary>
    public static void Growth(int steps)
    {
        using var scope = NewDisposeScope();
        using CausalLm model = Create(new Size("tiny", 64, 2, 512, 96, 16));
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
                Console.WriteLine($"growth: step {i}, resident {ModelsWork.Status("VmRSS:") >> 10} kB");
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

    private static void Forward(CausalLm model, Tensor inputs, Tensor targets)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        using AttentionContext attention = model.CreateAttention(Batch, Length);
        VocabularyHead.Score(model.Hidden(inputs, attention).reshape(-1, model.Config.HiddenSize), model.HeadWeight, targets, new HeadOptions());
    }

    private static void Step(CausalLm model, AdamW optimizer, Tensor inputs, Tensor targets, bool checkpoint = false)
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
