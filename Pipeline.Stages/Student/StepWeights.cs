using Pipeline.Stages.Objectives.Combine;
using Pipeline.Stages.Ranks;

namespace Pipeline.Stages.Student;

/// <summary>
/// The weights of the objectives in a step that several ranks share. The rank that has the deciding batch computes the weights from its gradients.
/// All other ranks take over these weights, together with the state of the rule. One object for each step.
/// </summary>
/// <param name="ranks">The ranks that share the step.</param>
/// <param name="rule">The rule that combines the objectives. Its state is shared too.</param>
/// <param name="objectives">K, the number of objectives.</param>
/// <param name="decider">The rank that decides.</param>
internal sealed class StepWeights(IRanks ranks, IGradientCombination rule, int objectives, int decider)
{
    private readonly double[] _shared = new double[objectives + rule.SaveState().Length];

    /// <summary>Waits for the [K] weights that another rank decides; null if this rank is the one that decides.</summary>
    public double[]? FromElsewhere()
    {
        if (ranks.Rank == decider)
            return null;
        ranks.Share(decider, _shared);
        rule.RestoreState(_shared.AsSpan(objectives));
        return _shared[..objectives];
    }

    /// <summary>Tells the other ranks what this rank decided.</summary>
    public void Tell(double[] weights)
    {
        weights.CopyTo(_shared, 0);
        rule.SaveState().CopyTo(_shared, objectives);
        ranks.Share(decider, _shared);
    }
}
