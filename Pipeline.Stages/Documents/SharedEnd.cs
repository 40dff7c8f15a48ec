namespace Pipeline.Stages.Documents;

/// <summary>A byte at which both sides have a token boundary, and how many of each side's tokens lie before it.</summary>
internal readonly record struct SharedEnd(int First, int Last, int Byte);

