namespace Pipeline.Contracts.Errors;

/// <summary>The exit codes of the command line. Their numbers are those of sysexits.h.</summary>
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
