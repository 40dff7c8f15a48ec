namespace Pipeline.Contracts.Stages;

/// <summary>
/// A stream or sink that may end before its input does, because it has all it wants (a number of steps, a number of rows). Without
/// this marker, input left unread is a bug and fails the run.
/// </summary>
public interface IEndsEarly;
