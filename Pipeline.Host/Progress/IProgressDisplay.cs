namespace Pipeline.Host.Progress;

/// <summary>Shows the progress of a run, one flow at a time.</summary>
internal interface IProgressDisplay
{
    void Begin(FlowMeter flow);

    void End(FlowMeter flow);

    /// <summary>Writes a line that stays, such as a line of the log. May be called from any thread.</summary>
    void WriteLine(string line);
}
