namespace Pipeline.Contracts.Errors;

/// <summary>The program did something it must not do (exit 70): a lost record, a stage that failed on its input. Never the user's fault.</summary>
public sealed class DefectException(string message, Exception? inner = null) : AlmException(message, ExitCodes.Defect, inner);
