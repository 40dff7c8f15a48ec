using Pipeline.Host.Progress;

namespace Pipeline.Host.Graph;

/// <summary>Where a stage stands in a graph: its name there, and what counts its records and its rejects.</summary>
internal sealed record GraphPlace(string StageName, StageMeter Meter, StageRejects Rejects);
