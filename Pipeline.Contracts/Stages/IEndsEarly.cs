namespace Pipeline.Contracts.Stages;

/// <summary>
/// Marks a stream or sink that may end before its input does because it has all it wants, such as a number of steps or of rows. In any other stage,
/// input that is left unread is a bug and fails the run.
/// </summary>
public interface IEndsEarly;
