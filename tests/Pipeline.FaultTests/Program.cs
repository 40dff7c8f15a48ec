using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.FaultTests.Formats;

namespace Pipeline.FaultTests;

/// <summary>What a child process of a test does: hold a lock until it is killed, or try to take one. And writing the sample of a format version.</summary>
public static class Program
{
    public static int Main(string[] args)
    {
        switch (args)
        {
            case ["write-version", string folder]:
                VersionSample.Write(folder);
                return ExitCodes.Success;
            case ["hold" or "try", string path]:
                return Lock(path, hold: args[0] == "hold");
            default:
                return ExitCodes.Definition;
        }
    }

    private static int Lock(string path, bool hold)
    {
        try
        {
            using IDisposable held = new DiskStorage().Lock(path);
            Console.Out.WriteLine("locked");
            Console.Out.Flush();
            if (hold)
                Thread.Sleep(Timeout.Infinite);
            return ExitCodes.Success;
        }
        catch (AlmException e)
        {
            Console.Out.WriteLine(e.Message);
            return e.ExitCode;
        }
    }
}
