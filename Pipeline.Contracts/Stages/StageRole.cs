namespace Pipeline.Contracts.Stages;

/// <summary>How the host runs a stage.</summary>
public enum StageRole
{
    Source,
    Map,
    Stream,
    Sink,
}
