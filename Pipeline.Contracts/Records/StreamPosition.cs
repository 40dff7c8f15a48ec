namespace Pipeline.Contracts.Records;

/// <summary>
/// How far a training run has come in the order of examples. That order is a pure function of seed, epoch and position, so a checkpoint needs to keep
/// nothing else of it. The default value is the beginning.
/// </summary>
/// <param name="Window">The index, over all epochs, of the first example of the current window of the <c>batch</c> stage.</param>
/// <param name="Batch">The number of batches of that window that are already used.</param>
public readonly record struct StreamPosition(long Window, int Batch);
