namespace Pipeline.Host.Graph;

/// <summary>Where lines about records that a stage could not use are written.</summary>
internal interface IRejectLog
{
    /// <param name="line">One line of JSON, its end included: see <see cref="RejectLine"/>.</param>
    void Append(byte[] line);
}

/// <summary>For a graph whose rejects are not kept.</summary>
internal sealed class NoRejects : IRejectLog
{
    public static NoRejects Instance { get; } = new();

    public void Append(byte[] line)
    {
    }
}
