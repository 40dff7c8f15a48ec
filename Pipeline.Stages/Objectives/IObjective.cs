using Pipeline.Stages.Objectives.Schedules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>One term of the training loss. It knows nothing of files, models or blocks.</summary>
internal interface IObjective
{
    /// <summary>As definitions and metrics say it.</summary>
    string Name { get; }

    ObjectiveNeeds Needs { get; }

    /// <summary>Whether it reads the tables of the step's other batches: ranks that share a step then make the tables of all.</summary>
    bool ReadsStep => false;

    /// <summary>Student layers whose hidden states are needed: 0 is the embedding output, the depth the last after the final norm.</summary>
    IReadOnlyList<int> Layers => [];

    /// <summary>Teacher layers, pairwise those of <see cref="Layers"/>.</summary>
    IReadOnlyList<int> TeacherLayers => [];

    /// <summary>The user's weight at each step.</summary>
    WeightSchedule Weight { get; }

    /// <summary>Parameters of the objective itself (projectors), trained with the student; empty for most.</summary>
    IReadOnlyList<(string Name, Tensor Value)> Parameters => [];

    /// <summary>
    /// What <see cref="Compute"/> will return as count, from the tables alone: a trainer that accumulates knows the denominator of
    /// the whole step before its first batch.
    /// </summary>
    double Count(BatchTables tables);

    ObjectiveResult Compute(ObjectiveInputs inputs);
}
