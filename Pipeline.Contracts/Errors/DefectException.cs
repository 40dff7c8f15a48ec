namespace Pipeline.Contracts.Errors;

/// <summary>
/// The program did something that it must never do (exit 70), such as losing a record or failing on good input. It is never the user's fault.
/// </summary>
public sealed class DefectException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Defect, inner);
