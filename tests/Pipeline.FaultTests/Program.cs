using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;

namespace Pipeline.FaultTests;

/// <summary>What a child process of a test does: hold a lock until it is killed, or try to take one.</summary>
public static class Program
{
    public static int Main(string[] args)
    {
        var storage = new DiskStorage();
        try
        {
            using IDisposable held = storage.Lock(args[1]);
            Console.Out.WriteLine("locked");
            Console.Out.Flush();
            if (args[0] == "hold")
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
