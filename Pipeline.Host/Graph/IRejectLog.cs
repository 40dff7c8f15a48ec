namespace Pipeline.Host.Graph;

/// <summary>Keeps a line for each record that a stage could not use. May be called from any thread.</summary>
internal interface IRejectLog
{
    /// <param name="line">One line of JSON in UTF-8 with its line feed, see <see cref="RejectLine"/>.</param>
    void Append(byte[] line);
}

/// <summary>The log of a graph whose rejects are not kept.</summary>
internal sealed class NoRejects : IRejectLog
{
    public static NoRejects Instance { get; } = new();

    public void Append(byte[] line)
    {
    }
}
