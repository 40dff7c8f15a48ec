namespace Pipeline.Contracts.Errors;

/// <summary>The exit codes of the command line. Those of errors follow sysexits.h where it has a fitting one.</summary>
public static class ExitCodes
{
    public const int Success = 0;
    public const int Definition = 64;
    public const int Input = 65;
    public const int Defect = 70;
    public const int Memory = 71;
    public const int Locked = 73;
    public const int Storage = 74;
    public const int Interrupted = 75;
}
