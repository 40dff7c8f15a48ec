namespace Pipeline.Contracts.Records;

/// <summary>
/// Where a training run stands in the order of examples, which is a pure function of (seed, epoch, position).
/// </summary>
/// <param name="Window">Index over all epochs of the first example of the current window of the <c>batch</c> stage.</param>
/// <param name="Batch">Batches of that window already taken.</param>
public readonly record struct StreamPosition(long Window, int Batch);
