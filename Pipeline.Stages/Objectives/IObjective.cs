using Pipeline.Stages.Objectives.Schedules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Objectives;

/// <summary>One term of the training loss. It knows nothing about files, models or dataflow.</summary>
internal interface IObjective
{
    /// <summary>The objective's name in definitions and metrics.</summary>
    string Name { get; }

    /// <summary>What <see cref="Compute"/> must be given.</summary>
    ObjectiveNeeds Needs { get; }

    /// <summary>Whether it reads the tables of the step's other batches. Ranks that share a step then make the tables of all its batches.</summary>
    bool ReadsStep => false;

    /// <summary>
    /// The student layers whose hidden states it needs. Layer 0 is the output of the embeddings. The layer with the number of the model's depth is the
    /// output after the final norm.
    /// </summary>
    IReadOnlyList<int> Layers => [];

    /// <summary>The teacher layers that it needs. Those at the same index in <see cref="Layers"/> and here belong together.</summary>
    IReadOnlyList<int> TeacherLayers => [];

    /// <summary>The weight that the user gave it, as a function of the step.</summary>
    WeightSchedule Weight { get; }

    /// <summary>Parameters of the objective itself, such as projectors, which are trained with the student. Most objectives have none.</summary>
    IReadOnlyList<(string Name, Tensor Value)> Parameters => [];

    /// <summary>
    /// The count that <see cref="Compute"/> will return, from the tables alone. A trainer that accumulates batches thus knows the denominator of the
    /// whole step before it computes the first batch.
    /// </summary>
    double Count(BatchTables tables);

    /// <summary>The loss of a batch.</summary>
    ObjectiveResult Compute(ObjectiveInputs inputs);
}
