using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Student;

/// <summary>What <see cref="TrainingLoop"/> drives: single steps, and saving what they have reached.</summary>
internal interface ITraining
{
    /// <summary>Makes one step.</summary>
    /// <param name="step">The number of steps done before it.</param>
    /// <param name="cancellationToken">Cancels the step.</param>
    /// <returns>The outcome; null when there are not enough batches for a step.</returns>
    Task<StepOutcome?> StepAsync(long step, CancellationToken cancellationToken);

    /// <summary>Writes a checkpoint of this state.</summary>
    Task SaveAsync(TrainingState state, CancellationToken cancellationToken);
}

/// <summary>What a step did.</summary>
/// <param name="Next">Where the order of examples continues after the step.</param>
/// <param name="Applied">False when a loss or the gradient was not finite. The weights are then unchanged.</param>
/// <param name="Documents">The documents that the step was computed from.</param>
internal sealed record StepOutcome(StreamPosition Next, bool Applied, IEnumerable<DocumentId> Documents);
