using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Student;

/// <summary>What <see cref="TrainingLoop"/> drives: one step, and keeping what has been reached.</summary>
internal interface ITraining
{
    /// <summary>Makes the step after <paramref name="step"/> steps; null when there are no batches for it.</summary>
    Task<StepOutcome?> StepAsync(long step, CancellationToken cancellationToken);

    /// <summary>Writes a checkpoint.</summary>
    Task SaveAsync(TrainingState state, CancellationToken cancellationToken);
}

/// <summary>What a step left.</summary>
/// <param name="Next">Where the example after its last one stands.</param>
/// <param name="Applied">False when a loss or gradient was not finite and the weights are as before.</param>
/// <param name="Documents">Those it was made from.</param>
internal sealed record StepOutcome(StreamPosition Next, bool Applied, IEnumerable<DocumentId> Documents);
