using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Objectives;

public sealed class AlmObjectiveTests : TorchTest
{
    public static TheoryData<object> Variants => new(
        new AlmOptions(),
        new AlmOptions { Gamma = null, Temperature = 100, Divergence = DivergenceKind.ReverseBinaryKl },
        new AlmOptions { Boundary = BoundaryMode.None, Divergence = DivergenceKind.BinaryKlTempLimit },
        new AlmOptions { ChunkSizes = [1, 2, 3], Numerator = ChunkWeighting.TokenCount, Denominator = ChunkWeighting.TokenCount },
        new AlmOptions { Chunks = ChunkKind.AtSpaces, Numerator = ChunkWeighting.Log1pTokenCount, Divergence = DivergenceKind.JoschuK2 },
        new AlmOptions { Divergence = DivergenceKind.Renyi, RenyiAlpha = 0.3, Gamma = 0.5 });

    [Theory]
    [MemberData(nameof(Variants))]
    public void Value_and_gradient_are_those_of_a_slow_twin_and_of_differences(object variant)
    {
        var options = (AlmOptions)variant;
        var random = new Random(3);
        var objective = new AlmObjective(options);
        for (int trial = 0; trial < 5; trial++)
        {
            Example[] examples = Examples(random, 3);
            BatchTables tables = BatchTables.From(examples, examples.Max(e => e.Student.Count) + 1, new ObjectivesOptions { Alm = options });
            double[] likelihoods = Draw(random, tables.Alm!.Positions), boundaries = Draw(random, tables.Alm.Positions);
            Tensor logLikelihood = tensor(likelihoods).requires_grad_(), logBoundary = tensor(boundaries).requires_grad_();
            ObjectiveResult result = objective.Compute(new() { Tables = tables, LogLikelihood_N = logLikelihood, LogBoundary_N = logBoundary });
            (double sum, double count) = Slow(tables.Alm, options, likelihoods, boundaries);
            DivergenceTests.AssertClose(sum, result.Sum.item<double>(), 1e-5, "sum");
            Assert.Equal(count, result.Count, 1e-9);
            Assert.Equal(result.Count, objective.Count(tables));
            if (tables.Alm.Count == 0)
                continue;

            result.Sum.backward();
            double[] gradient = logLikelihood.grad!.cpu().data<double>().ToArray();
            double[] boundaryGradient = logBoundary.grad?.cpu().data<double>().ToArray() ?? new double[boundaries.Length];
            for (int probe = 0; probe < 12; probe++)
            {
                int i = random.Next(likelihoods.Length);
                DivergenceTests.AssertClose(Difference(likelihoods, i, () => Slow(tables.Alm, options, likelihoods, boundaries).Sum), gradient[i], 1e-3, $"likelihood {i}");
                DivergenceTests.AssertClose(Difference(boundaries, i, () => Slow(tables.Alm, options, likelihoods, boundaries).Sum), boundaryGradient[i], 1e-3, $"boundary {i}");
            }
        }
    }

    [Fact]
    public void A_batch_without_chunks_gives_zero_with_a_gradient_of_zeros()
    {
        Example text = ChunkBatchTests.Plain([0, 1], [0, 1], []) with { Teacher = null };
        BatchTables tables = BatchTables.From([text], 3, new ObjectivesOptions { Alm = new() });
        Tensor logLikelihood = tensor(new float[] { 0, -1, 0 }).requires_grad_(), logBoundary = tensor(new float[] { -1, -1, -1 }).requires_grad_();
        ObjectiveResult result = new AlmObjective(new()).Compute(new() { Tables = tables, LogLikelihood_N = logLikelihood, LogBoundary_N = logBoundary });
        Assert.Equal(0, result.Count);
        Tensor mean = result.Mean();
        mean.backward();
        Assert.Equal(0, mean.item<float>());
        Assert.Equal([0f, 0f, 0f], logLikelihood.grad!.cpu().data<float>().ToArray());
    }

    [Fact]
    public void Steps_accumulated_from_small_batches_equal_one_large_batch()
    {
        var random = new Random(17);
        Example[] examples = [.. Examples(random, 6).Select(e => WithHidden(e, random))];
        var options = new ObjectivesOptions { Alm = new(), Sft = new(), Latents = new() };
        IReadOnlyList<IObjective> objectives = ObjectiveTable.Create(options, ObjectiveContext.Alone(CPU) with { Shapes = () => new ModelShapes(2, 5, 2, 5), Seed = 1 });
        Assert.Equal(["alm", "sft", "latents"], objectives.Select(o => o.Name));
        int length = examples.Max(e => e.Student.Count);
        double[] likelihoods = Draw(random, 6 * length), boundaries = Draw(random, 6 * length), states = Draw(random, 6 * length * 5);

        foreach (IObjective objective in objectives)
        {
            (double whole, double[] wholeGradient) = Run([(0, 6)]);
            (double parts, double[] partsGradient) = Run([(0, 1), (1, 3), (3, 6)]);
            DivergenceTests.AssertClose(whole, parts, 1e-6, objective.Name);
            Assert.Contains(wholeGradient, g => g != 0);
            for (int i = 0; i < wholeGradient.Length; i++)
                DivergenceTests.AssertClose(wholeGradient[i], partsGradient[i], 1e-6, $"{objective.Name} gradient {i}");

            (double Loss, double[] Gradient) Run((int Begin, int End)[] batches)
            {
                BatchTables[] step = [.. batches.Select(b => BatchTables.From(examples[b.Begin..b.End], length, options))];
                double count = step.Sum(objective.Count), loss = 0;
                Tensor l = tensor(likelihoods).requires_grad_(), m = tensor(boundaries).requires_grad_(), h = tensor(states).reshape(-1, 5).requires_grad_();
                for (int b = 0; b < batches.Length; b++)
                {
                    long at = batches[b].Begin * length, n = (batches[b].End - batches[b].Begin) * length;
                    ObjectiveResult result = objective.Compute(new()
                    {
                        Tables = step[b],
                        Step = step,
                        LogLikelihood_N = l.narrow(0, at, n),
                        LogBoundary_N = m.narrow(0, at, n),
                        Hidden_NH = new Dictionary<int, Tensor> { [2] = h.narrow(0, at, n) },
                    });
                    Tensor share = result.Sum / count;
                    share.backward();
                    loss += share.item<double>();
                }
                return (loss, [.. new[] { l, m, h }.SelectMany(x => x.grad?.cpu().data<double>().ToArray() ?? [])]);
            }
        }
    }

    private static Example[] Examples(Random random, int count)
        => [.. Enumerable.Range(0, count).Select(_ => RandomExamples.Make(random, true, random.Next(2) == 0, random.Next(2) == 0))];

    private static Example WithHidden(Example example, Random random) => example with
    {
        Teacher = example.Teacher! with { Hidden = new TeacherHidden([1, 2], 5, [.. Enumerable.Range(0, 2 * example.Chunks.Length * 5).Select(_ => (Half)(random.NextDouble() - 0.5))]) },
    };

    private static double[] Draw(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => -0.05 - random.NextDouble() * 4)];

    private static double Difference(double[] values, int i, Func<double> f)
    {
        double kept = values[i], h = 1e-6;
        values[i] = kept + h;
        double up = f();
        values[i] = kept - h;
        double down = f();
        values[i] = kept;
        return (up - down) / (2 * h);
    }

    // The obvious way: loops over chunks and positions, one number at a time.
    private static (double Sum, double Count) Slow(ChunkBatch chunks, AlmOptions options, double[] likelihoods, double[] boundaries)
    {
        double sum = 0, count = 0;
        foreach (int size in options.ChunkSizes)
        {
            foreach (IGrouping<(int, int), int> block in Enumerable.Range(0, chunks.Count).GroupBy(c => (chunks.RowOf[c], chunks.Column[c] / size)))
            {
                double t = 0, s = 0;
                int n = 0;
                foreach (int c in block)
                {
                    double own = 0;
                    for (int i = 0; i < chunks.Positions; i++)
                        own += chunks.ChunkOfPosition[i] == c ? likelihoods[i] : 0;
                    s += Math.Min(0, own);
                    t += chunks.TeacherLogLikelihood[c];
                    n += chunks.TeacherTokens[c];
                }
                if (options.Boundary == BoundaryMode.AppendBoundary)
                {
                    t += chunks.TeacherLogBoundary[block.Last()];
                    s += boundaries[chunks.LastPosition[block.Last()]];
                }
                double weight = options.Numerator switch { ChunkWeighting.TokenCount => n, ChunkWeighting.Log1pTokenCount => Math.Log(1 + n), _ => 1 };
                sum += weight * DivergenceTests.Plain(options.Divergence, t, s, options.Temperature, options.RenyiAlpha);
                count += options.Denominator == ChunkWeighting.TokenCount ? n : 1;
            }
        }
        return (sum / options.ChunkSizes.Count, count);
    }
}
