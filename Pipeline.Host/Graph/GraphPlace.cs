using Pipeline.Host.Progress;

namespace Pipeline.Host.Graph;

/// <summary>A stage's place in a graph: its name in the flow, and the counters of its records and rejects.</summary>
internal sealed record GraphPlace(string StageName, StageMeter Meter, StageRejects Rejects);
