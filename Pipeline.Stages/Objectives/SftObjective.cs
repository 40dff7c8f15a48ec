using Pipeline.Stages.Objectives.Schedules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>The mean of -log p(token | tokens before it) over the student tokens that count in the loss mask, without the first of each row.</summary>
internal sealed class SftObjective(SftOptions options) : IObjective
{
    internal static ObjectiveRow Row { get; } = new ObjectiveRow<SftOptions>("sft", o => o.Sft, static (o, _) => new SftObjective(o));

    public string Name => "sft";

    public ObjectiveNeeds Needs => ObjectiveNeeds.LogLikelihood;

    public WeightSchedule Weight { get; } = new(options.Weight, options.Schedule);

    public double Count(BatchTables tables) => tables.Targets;

    public ObjectiveResult Compute(ObjectiveInputs inputs)
    {
        Tensor logLikelihood_N = ObjectiveInputs.Require(inputs.LogLikelihood_N, Name, "log-likelihoods");
        return new ObjectiveResult(Sum(logLikelihood_N, inputs.Tables.TargetMask_N), inputs.Tables.Targets);
    }

    /// <summary>-Σ mask · log p: a scalar.</summary>
    /// <param name="logLikelihood_N">[N] log p at each position. The gradient flows here.</param>
    /// <param name="targetMask_N">[N] see <see cref="BatchTables.TargetMask_N"/>.</param>
    public static Tensor Sum(Tensor logLikelihood_N, float[] targetMask_N)
    {
        using Tensor mask_N = tensor(targetMask_N, dtype: logLikelihood_N.dtype, device: logLikelihood_N.device);
        return -(logLikelihood_N * mask_N).sum();
    }
}
