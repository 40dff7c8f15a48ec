using Pipeline.Stages.Objectives.Schedules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>Approximate Likelihood Matching over the chunks in <see cref="BatchTables.Alm"/>; see <see cref="AlmLoss"/>.</summary>
internal sealed class AlmObjective(AlmOptions options) : IObjective
{
    internal static ObjectiveRow Row { get; } = new ObjectiveRow<AlmOptions>("alm", o => o.Alm, static (o, _) => new AlmObjective(o))
    {
        Needs = static o => o.TeacherNeeds,
        Tables = static (o, inputs, tables) => tables with { Alm = ChunkBatch.From(inputs.Examples, inputs.Length, o.Rules(inputs.Bias)) },
    };

    public string Name => "alm";

    public ObjectiveNeeds Needs { get; } = ObjectiveNeeds.LogLikelihood | ObjectiveNeeds.TeacherScores
        | (options.Boundary != BoundaryMode.None ? ObjectiveNeeds.LogBoundary : ObjectiveNeeds.None);

    public WeightSchedule Weight { get; } = new(options.Weight, options.Schedule);

    public double Count(BatchTables tables) => Count(Chunks(tables));

    public ObjectiveResult Compute(ObjectiveInputs inputs)
    {
        ChunkBatch chunks = Chunks(inputs.Tables);
        Tensor logLikelihood_N = ObjectiveInputs.Require(inputs.LogLikelihood_N, Name, "log-likelihoods");
        Tensor? logBoundary_N = options.Boundary != BoundaryMode.None
            ? ObjectiveInputs.Require(inputs.LogBoundary_N, Name, "log boundary masses")
            : null;
        return new ObjectiveResult(Sum(chunks, logLikelihood_N, logBoundary_N), Count(chunks));
    }

    /// <summary>The loss summed over the blocks of every block size, and divided by the number of block sizes.</summary>
    internal Tensor Sum(ChunkBatch chunks, Tensor logLikelihood_N, Tensor? logBoundary_N)
    {
        Tensor s_C = AlmLoss.ChunkSums(logLikelihood_N, chunks);
        Tensor? boundary_C = logBoundary_N is null ? null : AlmLoss.ChunkBoundaries(logBoundary_N, chunks);
        Tensor? sum = null;
        foreach (int size in options.ChunkSizes)
        {
            Tensor part = AlmLoss.Sum(
                ChunkBlocks.Of(chunks, size), s_C, boundary_C, options.Divergence, options.Temperature, options.RenyiAlpha, options.Numerator);
            sum = sum is null ? part : sum + part;
        }
        return sum! / options.ChunkSizes.Count;
    }

    /// <summary>The denominator, summed over every block size.</summary>
    internal double Count(ChunkBatch chunks) => options.ChunkSizes.Sum(size => AlmLoss.Count(ChunkBlocks.Of(chunks, size), options.Denominator));

    private static ChunkBatch Chunks(BatchTables tables)
        => tables.Alm ?? throw new InvalidOperationException("objective 'alm': the batch tables were built without it");
}
