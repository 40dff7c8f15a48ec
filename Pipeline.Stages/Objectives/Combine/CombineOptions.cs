using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Pipeline.Stages.Objectives.Combine;

/// <summary>How several objectives become one loss.</summary>
internal sealed record CombineOptions
{
    [Description("How the objectives' gradients are weighted. In the paper's ablation, gradmag and gradnorm are well ahead of fixed weights.")]
    public CombineRule Rule { get; init; } = CombineRule.Gradmag;

    [Description("With gradmag: weights are divided by their sum, so that they add up to 1 and the loss keeps its magnitude.")]
    public bool Normalize { get; init; } = true;

    [Description("First project conflicting gradients onto each other's normal plane.")]
    public bool Pcgrad { get; init; }

    [Description("With clip: the largest gradient norm of an objective.")]
    [Range(1e-9, 1e9)]
    public double ClipNorm { get; init; } = 1;

    [Description("With gradnorm: how strongly objectives that train slowly are favoured.")]
    [Range(0.0, 10.0)]
    public double GradnormAlpha { get; init; } = 0.12;

    [Description("With gradnorm: learning rate of the weights.")]
    [Range(0.0, 10.0)]
    public double GradnormRate { get; init; } = 0.025;
}

/// <summary>Rules for the weights of objectives.</summary>
internal enum CombineRule
{
    /// <summary>Only the objectives' own weights.</summary>
    Fixed,

    /// <summary>Each objective has the weight 1 / norm of its gradient at the last layer.</summary>
    Gradmag,

    /// <summary>The weights are learned so that the gradients keep comparable norms (arXiv 1711.02257).</summary>
    Gradnorm,

    /// <summary>Each objective's gradient is clipped to a largest norm.</summary>
    Clip,
}
