using Pipeline.Stages.Objectives.Combine;
using Pipeline.Stages.Ranks;

namespace Pipeline.Stages.Student;

/// <summary>
/// The weights of a step's objectives where ranks share the step: the rank that has the deciding batch decides, once its gradients are at
/// hand, and everybody else takes its weights, and the rule's state with them.
/// </summary>
internal sealed class StepWeights(IRanks ranks, IGradientCombination rule, int objectives, int decider)
{
    private readonly double[] _shared = new double[objectives + rule.SaveState().Length];

    /// <summary>The weights that another rank decides, once they are there; null if this one decides.</summary>
    public double[]? FromElsewhere()
    {
        if (ranks.Rank == decider)
            return null;
        ranks.Share(decider, _shared);
        rule.RestoreState(_shared.AsSpan(objectives));
        return _shared[..objectives];
    }

    /// <summary>Tells the others what was decided here.</summary>
    public void Tell(double[] weights)
    {
        weights.CopyTo(_shared, 0);
        rule.SaveState().CopyTo(_shared, objectives);
        ranks.Share(decider, _shared);
    }
}
