namespace Pipeline.Host.Progress;

/// <summary>Shows the progress of a run to a person; one flow at a time.</summary>
internal interface IProgressDisplay
{
    void Begin(FlowMeter flow);

    void End(FlowMeter flow);

    /// <summary>A line that stays.</summary>
    void WriteLine(string line);
}
