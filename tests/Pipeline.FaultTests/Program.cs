using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.FaultTests.Formats;
using Pipeline.FaultTests.Fuzz;
using Pipeline.FaultTests.Runs;
using Pipeline.FaultTests.Soak;
using Pipeline.Host.Commands;

namespace Pipeline.FaultTests;

/// <summary>
/// What a child process of a test does: hold a lock until it is killed, or try to take one; the program's command line on a storage at
/// a moment of which the process is killed, or with its memory measured or limited. And what people call: writing the sample of a format version,
/// fuzzing a format, the soak, a server asked many times.
/// </summary>
public static class Program
{
    public static int Main(string[] args)
    {
        switch (args)
        {
            case ["write-version", string version, string folder]:
                VersionSample.Write(int.Parse(version, CultureInfo.InvariantCulture), folder);
                return ExitCodes.Success;
            case ["hold" or "try", string path]:
                return Lock(path, hold: args[0] == "hold");
            case ["exit-at", string moment, string number, .. string[] arguments]:
                return Run(ExitPoint.Storage(moment, int.Parse(number, CultureInfo.InvariantCulture)), arguments);
            case ["measure", .. string[] arguments]:
                int code = Run(new DiskStorage(), arguments);
                Console.Out.WriteLine(PeakMemory.Line());
                return code;
            case ["limited", string ending, string moreMiB, .. string[] arguments]:
                return Run(MemoryLimit.Storage(ending, long.Parse(moreMiB, CultureInfo.InvariantCulture) << 20), arguments);
            case ["resident"]:
                return Resident.Serve(Console.In, Console.Out);
            case ["soak", "--minutes", string minutes]:
                using (var soak = new SoakRun(TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture)), Console.Out))
                    return soak.Run();
            case ["serve", "--requests", string requests]:
                using (var job = new TinyJob())
                    new ServeSoak(job, Console.Out).RunAsync(int.Parse(requests, CultureInfo.InvariantCulture)).GetAwaiter().GetResult();
                return ExitCodes.Success;
            case ["fuzz", string format, .. string[] arguments]:
                return FuzzCommand.Run(format, arguments, Console.Out);
            default:
                return ExitCodes.Definition;
        }
    }

    private static int Run(IStorage storage, string[] arguments)
        => AlmCommandLine.InvokeAsync(arguments, InProcess.Environment(storage, Console.Out, Console.Error)).GetAwaiter().GetResult();

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
