namespace Pipeline.Stages.Documents;

/// <summary>A byte at which both sides have a token boundary, and the number of each side's tokens before it.</summary>
internal readonly record struct SharedEnd(int First, int Last, int Byte);

