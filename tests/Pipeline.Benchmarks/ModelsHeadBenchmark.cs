using System.Globalization;
using Pipeline.Stages.Models;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>The vocabulary head against the plain computation of the same: time and extra memory of forward and backward pass.</summary>
internal static class ModelsHeadBenchmark
{
    private const int Vocabulary = 128_256;

    public static void Run(int tokens, int[] widths)
    {
        foreach (int width in widths)
        {
            foreach (bool boundary in new[] { false, true })
                Compare(tokens, width, boundary);
        }
    }

    private static void Compare(int tokens, int width, bool boundary)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = randn(tokens, width).requires_grad_(), head = (randn(Vocabulary, width) * 0.1).requires_grad_();
        Tensor targets = randint(0, Vocabulary, tokens, dtype: ScalarType.Int64);
        Tensor? mask = boundary ? (arange(Vocabulary) % 3).eq(0) : null;
        Action sliced = () => Step(hidden, head, () => Sliced(hidden, head, targets, mask)), plain = () => Step(hidden, head, () => Plain(hidden, head, targets, mask));
        sliced();
        long slicedPeak = ModelsWork.PeakAbove(sliced), plainPeak = ModelsWork.PeakAbove(plain);
        double plainWall = 0, plainProcessor = 0, slicedWall = 0, slicedProcessor = 0;
        // Taken in turn, so that a busy machine disturbs both alike.
        for (int i = 0; i < 3; i++)
        {
            (double wall, double processor) = ModelsWork.Once(plain);
            (plainWall, plainProcessor) = (plainWall + wall, plainProcessor + processor);
            (wall, processor) = ModelsWork.Once(sliced);
            (slicedWall, slicedProcessor) = (slicedWall + wall, slicedProcessor + processor);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"head V {Vocabulary} N {tokens} H {width} {(boundary ? "with boundary mass" : "likelihood only")}: plain {plainWall / 3:F2} s ({plainProcessor / 3:F2} of processors), {plainPeak >> 20} MB; sliced {slicedWall / 3:F2} s ({slicedProcessor / 3:F2}), {slicedPeak >> 20} MB; time {slicedWall / plainWall:F2} ({slicedProcessor / plainProcessor:F2}), memory 1/{(double)plainPeak / slicedPeak:F1}"));
    }

    private static void Step(Tensor hidden, Tensor head, Func<Tensor> loss)
    {
        using var scope = NewDisposeScope();
        hidden.grad = null;
        head.grad = null;
        loss().backward();
    }

    private static Tensor Sliced(Tensor hidden, Tensor head, Tensor targets, Tensor? mask)
    {
        HeadScores scores = VocabularyHead.Score(hidden, head, targets, new HeadOptions(BoundaryMask: mask));
        return scores.LogBoundary is { } boundary ? scores.LogLikelihood.sum() + boundary.sum() : scores.LogLikelihood.sum();
    }

    private static Tensor Plain(Tensor hidden, Tensor head, Tensor targets, Tensor? mask)
    {
        Tensor logP = nn.functional.log_softmax(matmul(hidden, head.t()), 1);
        Tensor likelihood = logP.gather(1, targets.unsqueeze(1)).sum();
        return mask is null ? likelihood : likelihood + logP.masked_fill(mask.logical_not(), double.NegativeInfinity).logsumexp(1).sum();
    }
}
