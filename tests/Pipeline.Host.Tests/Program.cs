using Pipeline.Host.Commands;
using Pipeline.Host.Tests.Stages;

namespace Pipeline.Host.Tests;

/// <summary>The alm command line with test stages, for tests that kill, signal or lock out a process.</summary>
internal static class Program
{
    public static Task<int> Main(string[] args)
        => AlmCommandLine.InvokeAsync(args, new CommandEnvironment { Stages = TestStageTable.All, IsTerminal = !Console.IsOutputRedirected });
}
