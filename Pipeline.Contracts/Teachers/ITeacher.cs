namespace Pipeline.Contracts.Teachers;

/// <summary>
/// Scores token sequences: rows of ids in, numbers per token out. It speaks arrays and knows nothing of flows, shards or tensors, so
/// that the model may be in this process, in another one, or behind a server. Making one is cheap: weights are loaded, processes are
/// started and connections are opened by the first request.
/// </summary>
public interface ITeacher : IAsyncDisposable
{
    /// <summary>What it can say and how it may be asked. Known without work; it never changes.</summary>
    TeacherFacts Facts { get; }

    /// <summary>
    /// What the scores are made from, as named parts for the header of every shard ("teacher weights" to a hash). May read files the first
    /// time.
    /// </summary>
    /// <exception cref="Errors.InputException">The model does not exist.</exception>
    IReadOnlyDictionary<string, string> Fingerprint { get; }

    /// <summary>
    /// Requests will follow soon: what the first of them would load may be loaded meanwhile. Does not wait and does not fail; an error is that of
    /// the request.
    /// </summary>
    void Prepare()
    {
    }

    /// <summary>
    /// Answers every row, in the order of the rows. Up to <see cref="TeacherFacts.MostInFlight"/> calls may be in progress at once. An answer
    /// depends only on its own row, up to rounding.
    /// </summary>
    /// <exception cref="Errors.InputException">The teacher cannot answer; the message says what it answered instead.</exception>
    Task<IReadOnlyList<TeacherAnswer>> ScoreAsync(TeacherRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Makes sure that the model that answers is still the same. Asked before the first row and after the last of every part, so that nothing
    /// another model said is committed. Teachers that cannot change have nothing to do.
    /// </summary>
    /// <exception cref="Errors.InputException">Another model answers.</exception>
    Task ConfirmAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Releases what scoring holds: weights, a process, connections. The next request takes them again.</summary>
    ValueTask ReleaseAsync();
}
