namespace Pipeline.Contracts.Teachers;

/// <summary>
/// Scores token sequences: rows of ids go in, and numbers for each token come out. A teacher works with arrays and knows nothing of flows, shards or
/// tensors, so its model may be in this process, in another one, or behind a server. To make one is cheap, because the first request loads weights,
/// starts processes and opens connections.
/// </summary>
/// <remarks>
/// A stage reads <see cref="Facts"/> and <see cref="Fingerprint"/>, then calls <see cref="ConfirmAsync"/>, <see cref="ScoreAsync"/> as often as it
/// needs, and <see cref="ConfirmAsync"/> again. The graphs of a run share one teacher: the run disposes of it, and a flow that has no use for it calls
/// <see cref="ReleaseAsync"/> to free memory.
/// </remarks>
public interface ITeacher : IAsyncDisposable
{
    /// <summary>
    /// What the teacher can say and how it may be asked. It never changes. Reading it does not load the model, though it may read the model's
    /// configuration.
    /// </summary>
    TeacherFacts Facts { get; }

    /// <summary>
    /// What the scores are made from, as named parts for the header of every shard, such as the hash of the weights by the name "teacher weights".
    /// Teachers that could give different scores must differ in a part. The first call may read whole files.
    /// </summary>
    /// <exception cref="Errors.InputException">The model does not exist.</exception>
    IReadOnlyDictionary<string, string> Fingerprint { get; }

    /// <summary>
    /// Announces that requests will follow soon, so that the teacher may already load what the first of them needs. Returns at once and does not fail:
    /// an error is reported by the request.
    /// </summary>
    void Prepare()
    {
    }

    /// <summary>Answers every row. Up to <see cref="TeacherFacts.MostInFlight"/> calls may be in progress at once.</summary>
    /// <returns>One answer for each row, in the order of the rows. An answer depends only on its own row, up to rounding.</returns>
    /// <exception cref="Errors.InputException">The teacher cannot answer. The message says what it did instead.</exception>
    Task<IReadOnlyList<TeacherAnswer>> ScoreAsync(TeacherRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Makes sure that the same model still answers. A stage asks before the first row and after the last one of every part, so that nothing is
    /// committed that another model said. A teacher that cannot change has nothing to do.
    /// </summary>
    /// <exception cref="Errors.InputException">Another model answers.</exception>
    Task ConfirmAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Frees what scoring holds: weights, a process, connections. The next request takes them again.</summary>
    ValueTask ReleaseAsync();
}
