namespace Pipeline.Contracts.Stages;

/// <summary>
/// How the host runs a stage: see <see cref="ISource{T}"/>, <see cref="IMap{TIn, TOut}"/>, <see cref="IStream{TIn, TOut}"/> and <see cref="ISink{T}"/>.
/// </summary>
public enum StageRole
{
    Source,
    Map,
    Stream,
    Sink,
}
