using System.Globalization;
using Pipeline.Stages.Models;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>The vocabulary head against the plain computation of the same: time and extra memory of forward and backward pass.</summary>
internal static class ModelsHeadBenchmark
{
    private const int Vocabulary = 128_256;

    /// <param name="arguments">Tokens, widths; --slice: positions of a slice; --keep: positions whose logits are kept; --rounds: how often each way is timed; --likelihood: without the boundary mass.</param>
    public static void Run(string[] arguments)
    {
        int Option(string name, int absent) => Array.IndexOf(arguments, name) is >= 0 and int at ? ModelBenchmark.Number(arguments[at + 1]) : absent;
        int[] numbers = [.. arguments.TakeWhile(argument => !argument.StartsWith('-')).Select(ModelBenchmark.Number)];
        foreach (int width in numbers.Length < 2 ? [64, 256] : numbers[1..])
        {
            foreach (bool boundary in arguments.Contains("--likelihood") ? [false] : new[] { false, true })
                Compare(numbers.FirstOrDefault(4096), width, boundary, Option("--slice", 0), Option("--keep", -1), Option("--rounds", 3));
        }
    }

    private static void Compare(int tokens, int width, bool boundary, int slice, int keep, int rounds)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = randn(tokens, width).requires_grad_(), head = (randn(Vocabulary, width) * 0.1).requires_grad_();
        Tensor targets = randint(0, Vocabulary, tokens, dtype: ScalarType.Int64);
        Tensor? mask = boundary ? (arange(Vocabulary) % 3).eq(0) : null;
        Action sliced = () => Step(hidden, head, () => Sliced(hidden, head, targets, mask, slice, keep)), plain = () => Step(hidden, head, () => Plain(hidden, head, targets, mask));
        // The peaks are of first runs, above the inputs and their gradients; the times are of the runs after.
        long gradients = 4 * (hidden.numel() + head.numel());
        sliced();
        hidden.grad = head.grad = null;
        long slicedPeak = ModelsWork.PeakAbove(sliced) - gradients;
        hidden.grad = head.grad = null;
        long plainPeak = ModelsWork.PeakAbove(plain) - gradients;
        List<(double Wall, double Processor)> plainTimes = [], slicedTimes = [];
        // Taken in turn, so that a busy machine disturbs both alike.
        for (int i = 0; i < rounds; i++)
        {
            plainTimes.Add(ModelsWork.Once(plain));
            slicedTimes.Add(ModelsWork.Once(sliced));
        }

        double Wall(List<(double Wall, double Processor)> times) => Statistics.Median([.. times.Select(time => time.Wall)]);
        double Processor(List<(double Wall, double Processor)> times) => Statistics.Median([.. times.Select(time => time.Processor)]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"head V {Vocabulary} N {tokens} H {width} {(boundary ? "with boundary mass" : "likelihood only")}: plain {Wall(plainTimes):F2} s ({Processor(plainTimes):F2} of processors), {plainPeak >> 20} MB; sliced {Wall(slicedTimes):F2} s ({Processor(slicedTimes):F2}), {slicedPeak >> 20} MB; time {Wall(slicedTimes) / Wall(plainTimes):F2} ({Processor(slicedTimes) / Processor(plainTimes):F2}), memory 1/{(double)plainPeak / slicedPeak:F1}"));
    }

    private static void Step(Tensor hidden, Tensor head, Func<Tensor> loss)
    {
        using var scope = NewDisposeScope();
        hidden.grad = null;
        head.grad = null;
        loss().backward();
    }

    private static Tensor Sliced(Tensor hidden, Tensor head, Tensor targets, Tensor? mask, int slice, int keep)
    {
        HeadScores scores = VocabularyHead.Score(hidden, head, targets, new HeadOptions(BoundaryMask: mask, SliceTokens: slice, KeepTokens: keep));
        return scores.LogBoundary is { } boundary ? scores.LogLikelihood.sum() + boundary.sum() : scores.LogLikelihood.sum();
    }

    private static Tensor Plain(Tensor hidden, Tensor head, Tensor targets, Tensor? mask)
    {
        Tensor logP = nn.functional.log_softmax(matmul(hidden, head.t()), 1);
        Tensor likelihood = logP.gather(1, targets.unsqueeze(1)).sum();
        return mask is null ? likelihood : likelihood + logP.masked_fill(mask.logical_not(), double.NegativeInfinity).logsumexp(1).sum();
    }
}
