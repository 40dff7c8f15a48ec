namespace Pipeline.Host.Progress;

/// <summary>A log that keeps nothing.</summary>
internal sealed class NoScalars : IScalarLog
{
    public static NoScalars Instance { get; } = new();

    public void Write(string flow, string stage, string name, long step, double value)
    {
    }
}
