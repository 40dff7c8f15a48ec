using System.Diagnostics;
using System.Globalization;
using Pipeline.Stages.Ranks;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures what ranks cost and save.
/// <list type="bullet">
/// <item><c>sums</c>, which mpirun must start: the time to sum a gradient over the ranks, for the sizes of <c>models train</c>, which has the times of
/// whole steps.</item>
/// <item><c>work</c>: scoring in parts by one process and by two, each on a core of its own, as if each task had a machine of its own.</item>
/// <item><c>overhead</c>: the processor time of a plain run, and of the same run as a single rank of mpirun.</item>
/// <item><c>memory</c>: the peak memory of a rank, with and without shardOptimizer.</item>
/// </list>
/// </summary>
internal static class RanksBenchmark
{
    private static readonly (string Name, long Parameters)[] Sizes = [("1M", 1_000_000), ("20M", 20_000_000), ("135M", 135_000_000)];

    public static int Run(string[] args) => args switch
    {
        ["sums", ..] => Sums(Number(args, "--rounds", 5)),
        ["work", string definition, string flow, ..] => Work(definition, flow, Number(args, "--rounds", 3), Sets(args)),
        ["overhead", string definition, ..] => Overhead(definition, Number(args, "--rounds", 3), Sets(args)),
        ["memory", string definition, ..] => Memory(definition, Sets(args)),
        _ => Usage(),
    };

    private static int Usage()
    {
        Console.Error.WriteLine("mpirun -n N … ranks sums [--rounds N] | ranks work DEFINITION FLOW [--rounds N] [--set …] | ranks overhead DEFINITION [--rounds N] [--set …] | ranks memory DEFINITION [--set …]");
        return 64;
    }

    private static int Sums(int rounds)
    {
        Pipeline.Stages.Torch.TorchLoader.Load(null);
        set_num_threads(1);
        using IRanks ranks = MpiRanks.Join(Environment.GetEnvironmentVariable);
        foreach ((string name, long parameters) in Sizes)
        {
            using Tensor gradient = ones(parameters, ScalarType.Float32, CPU);
            List<double> seconds = [];
            for (int round = -1; round < rounds; round++)
            {
                ranks.Wait();
                long start = Stopwatch.GetTimestamp();
                ranks.Sum(gradient);
                if (round >= 0)
                    seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
            double median = Statistics.Median(seconds);
            if (ranks.Rank == 0)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{name,5} parameters, {ranks.Count} rank(s): {median * 1e3,8:F1} ms a sum, {parameters * 4 / 1e9 / Math.Max(median, 1e-9),6:F2} GB/s of gradient"));
            }
        }
        return 0;
    }

    private static int Work(string definition, string flow, int rounds, string[] sets)
    {
        List<double> ratios = [];
        for (int round = 0; round < rounds; round++)
        {
            (double one, double oneProcessor) = Timed(folder => [OnCore(0, Alm(["work", definition, "--run", folder, "--flow", flow, "--plain", "--parts", "0/1", .. sets]))]);
            (double two, double twoProcessor) = Timed(folder => [.. Enumerable.Range(0, 2).Select(k => OnCore(k, Alm(["work", definition, "--run", folder, "--flow", flow, "--plain", "--parts", $"{k}/2", .. sets])))]);
            ratios.Add(one / two);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"one process {one:F1} s, two {two:F1} s: {one / two:F2} times as fast; of the processor {oneProcessor:F1} and {twoProcessor:F1} s: at most {2 * oneProcessor / twoProcessor:F2} times on free cores"));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"median {Statistics.Median(ratios):F2}"));
        return 0;
    }

    private static int Overhead(string definition, int rounds, string[] sets)
    {
        List<double> ratios = [];
        for (int round = 0; round < rounds; round++)
        {
            double plain = Timed(folder => [Alm(["run", definition, "--run", folder, "--plain", .. sets])]).Processor;
            double ranked = Timed(folder => [Mpi(1, ["run", definition, "--run", folder, "--plain", .. sets])]).Processor;
            ratios.Add(ranked / plain);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"alone {plain:F2} s of the processor, one rank of mpirun {ranked:F2} s: {ranked / plain:F3}"));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"median {Statistics.Median(ratios):F3}"));
        return 0;
    }

    private static int Memory(string definition, string[] sets)
    {
        foreach ((string what, int ranks, string share) in new[] { ("one rank", 1, "false"), ("two ranks", 2, "false"), ("two ranks, shardOptimizer", 2, "true") })
        {
            string folder = NewFolder();
            try
            {
                using Process process = Process.Start(Mpi(ranks, ["run", definition, "--run", folder, "--plain", "--set", $"flows.*.update-student.shardOptimizer={share}", .. sets]))!;
                var peaks = new Dictionary<int, long>();
                while (!process.WaitForExit(50))
                {
                    foreach (int child in Children(process.Id))
                        peaks[child] = Math.Max(peaks.GetValueOrDefault(child), Peak(child));
                }
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-26} {string.Join(", ", peaks.OrderBy(p => p.Key).Select(p => $"{p.Value / 1024.0:F0} MiB"))} at most per rank (exit {process.ExitCode})"));
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
        return 0;
    }

    private static int[] Children(int process)
    {
        string path = $"/proc/{process}/task/{process}/children";
        return File.Exists(path) ? [.. File.ReadAllText(path).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)] : [];
    }

    // In KiB, as Linux reports it.
    private static long Peak(int process)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line[6..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    /// <summary>Runs all commands at once: the seconds until all have ended, and the processor seconds of all together.</summary>
    private static (double Clock, double Processor) Timed(Func<string, ProcessStartInfo[]> commands)
    {
        string folder = NewFolder();
        try
        {
            long start = Stopwatch.GetTimestamp();
            Process[] processes = [.. commands(folder).Select(StartTimed)];
            double processor = processes.Sum(ProcessorOf);
            return (Stopwatch.GetElapsedTime(start).TotalSeconds, processor);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Process StartTimed(ProcessStartInfo command)
        => Process.Start(new ProcessStartInfo("bash", ["-c", "TIMEFORMAT='%U %S'; time \"$@\" 2>/dev/null", "bash", command.FileName, .. command.ArgumentList]) { RedirectStandardError = true })!;

    /// <summary>
    /// Waits for the end of a process, and says its processor seconds. Other work on the machine disturbs these less than the seconds of the clock.
    /// </summary>
    private static double ProcessorOf(Process process)
    {
        using (process)
        {
            string last = process.StandardError.ReadToEnd().Trim().Split('\n')[^1];
            process.WaitForExit();
            return process.ExitCode == 0
                ? last.Split(' ').Sum(number => double.Parse(number, CultureInfo.InvariantCulture))
                : throw new InvalidOperationException($"a process ended with {process.ExitCode}");
        }
    }

    private static ProcessStartInfo Alm(string[] arguments) => Quiet(new ProcessStartInfo("dotnet", [AlmPath, .. arguments]));

    private static ProcessStartInfo OnCore(int core, ProcessStartInfo command)
        => Quiet(new ProcessStartInfo("taskset", ["-c", core.ToString(CultureInfo.InvariantCulture), command.FileName, .. command.ArgumentList]));

    private static ProcessStartInfo Mpi(int ranks, string[] arguments)
        => Quiet(new ProcessStartInfo("mpirun", ["--allow-run-as-root", "--oversubscribe", "-n", ranks.ToString(CultureInfo.InvariantCulture), "dotnet", AlmPath, .. arguments]));

    // Discards what a command prints.
    private static ProcessStartInfo Quiet(ProcessStartInfo start)
    {
        ProcessStartInfo quiet = new("bash", ["-c", "exec \"$@\" >/dev/null", "bash", start.FileName, .. start.ArgumentList]);
        return quiet;
    }

    private static string AlmPath => Path.Combine(AppContext.BaseDirectory, "alm.dll");

    private static string NewFolder() => Directory.CreateTempSubdirectory("alm-ranks-").FullName;

    private static string[] Sets(string[] args) => [.. args.Zip(args.Skip(1)).Where(p => p.First == "--set").SelectMany(p => new[] { "--set", p.Second })];

    private static int Number(string[] args, string name, int value)
        => Array.IndexOf(args, name) is >= 0 and int i ? int.Parse(args[i + 1], CultureInfo.InvariantCulture) : value;

}
