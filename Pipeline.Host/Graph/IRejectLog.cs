namespace Pipeline.Host.Graph;

/// <summary>Where the lines of records that a stage could not use go.</summary>
internal interface IRejectLog
{
    /// <param name="line">One line of JSON, its end included: see <see cref="RejectLine"/>.</param>
    void Append(byte[] line);
}

/// <summary>Rejects of a graph that nobody keeps.</summary>
internal sealed class NoRejects : IRejectLog
{
    public static NoRejects Instance { get; } = new();

    public void Append(byte[] line)
    {
    }
}
