using System.Globalization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Products of one weight with ever new numbers of rows, forward and backward, by one of the two libraries that libtorch contains: the processor time of a step,
/// and whether memory grows. One library in one process, so that neither gets what the other leaves.
/// </summary>
internal static class ModelsProductsBenchmark
{
    private const int In = 576, Out = 1536, MostRows = 4096;

    public static void Run(string library, int steps)
    {
        Func<Tensor, Tensor, Tensor> product = library switch
        {
            "onednn" => Linear.ByOneDnn,
            "mkl" => static (x, w) => x.mm(w.t()),
            _ => throw new ArgumentException($"'{library}' is neither onednn nor mkl", nameof(library)),
        };
        using var scope = NewDisposeScope();
        Tensor weight = randn(Out, In).requires_grad_(true), all = randn(MostRows, In);
        var random = new Random(17);
        double processor = 0;
        for (int step = 1; step <= steps; step++)
        {
            processor += ModelsWork.Once(() =>
            {
                using var inner = NewDisposeScope();
                Tensor x = all.narrow(0, 0, random.Next(1, MostRows + 1)).detach().requires_grad_(true);
                BackwardFailure.Run(() => product(x, weight).sum().backward());
                weight.grad!.zero_();
            }).Processor;
            if (step % Math.Max(1, steps / 6) > 0)
                continue;
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{library}: {step} products of up to {MostRows} rows, {In} to {Out}: resident {ModelsWork.Status("VmRSS:") >> 20} MiB, {1000 * processor / step:F1} processor ms each"));
        }
    }
}
