using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Objectives.Schedules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Extending;

internal sealed record FocalOptions
{
    [Description("How little tokens count that the student knows already; 0 is cross-entropy.")]
    [Range(0.0, 100.0)]
    public double Gamma { get; init; } = 2;
}

/// <summary>Mean of -(1 - p)^γ log p(token | tokens before it): the focal loss (arXiv 1708.02002, equation 4) over tokens.</summary>
internal sealed class FocalObjective(FocalOptions options) : IObjective
{
    public string Name => "focal";

    public ObjectiveNeeds Needs => ObjectiveNeeds.LogLikelihood;

    public WeightSchedule Weight { get; } = new(1, null);

    // Tokens of the loss mask, which every batch has; an objective with tables of its own fills them in its row.
    public double Count(BatchTables tables) => tables.Targets;

    public ObjectiveResult Compute(ObjectiveInputs inputs)
    {
        Tensor logP_N = ObjectiveInputs.Require(inputs.LogLikelihood_N, Name, "log-likelihoods");
        using Tensor mask_N = tensor(inputs.Tables.TargetMask_N, dtype: logP_N.dtype, device: logP_N.device);
        return new ObjectiveResult(-((1 - logP_N.exp()).pow(options.Gamma) * logP_N * mask_N).sum(), Count(inputs.Tables));
    }
}
