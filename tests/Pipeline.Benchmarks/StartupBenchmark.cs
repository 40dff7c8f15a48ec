using System.Diagnostics;
using System.Globalization;

namespace Pipeline.Benchmarks;

/// <summary>
/// From the start of the process to the first committed part of a scoring of 20 documents, of this build and of those in other folders, in
/// alternation. Arguments: <c>[--before FOLDER,...] [--rounds N]</c>; a folder is one with alm.dll.
/// </summary>
internal static class StartupBenchmark
{
    // The quick start's scoring without next bytes, with a stage that commits of before still need and later ones ignore.
    private const string Definition = """
        { "name": "startup", "teacher": { "model": "data/models/tiny-llama" }, "student": { "model": "data/models/tiny-llama", "tokenizer": "bytes" },
          "flows": [ { "name": "score", "stages": [
            { "stage": "read-parquet", "files": ["data/text/train-*.parquet"], "maxRows": 20 },
            { "stage": "tokenize", "maxTeacherTokens": 256 },
            { "stage": "align" },
            { "stage": "score-teacher", "batchTokens": 8192 },
            { "stage": "write-shards", "to": "shards", "count": 4 } ] } ] }
        """;

    public static int Run(string[] args)
    {
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        string[] sides = [.. Option("--before", "").Split(',', StringSplitOptions.RemoveEmptyEntries), AppContext.BaseDirectory];
        int rounds = int.Parse(Option("--rounds", "9"), CultureInfo.InvariantCulture);
        string folder = Directory.CreateTempSubdirectory("alm-bench-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "startup.json"), Definition);
            var measured = Array.ConvertAll(sides, _ => new List<(double Part, double Processor, double Help)>());
            // The first round brings the files into memory; who goes first goes last next time.
            for (int round = -1; round < rounds; round++)
            {
                foreach (int side in round % 2 == 0 ? Enumerable.Range(0, sides.Length) : Enumerable.Range(0, sides.Length).Reverse())
                {
                    (double part, double processor) = Score(sides[side], folder);
                    double help = Help(sides[side]);
                    if (round >= 0)
                        measured[side].Add((part, processor, help));
                }
            }
            for (int side = 0; side < sides.Length; side++)
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{sides[side]}: first part {Statistics.Median(measured[side].Select(m => m.Part)):F3} s ({Statistics.Median(measured[side].Zip(measured[0], (a, b) => a.Part / b.Part)):F2} of the first), {Statistics.Median(measured[side].Select(m => m.Processor)):F2} processor seconds, alm --help {Statistics.Median(measured[side].Select(m => m.Help)):F3} s"));
            }
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (double Part, double Processor) Score(string side, string folder)
    {
        string run = Path.Combine(folder, "run");
        long start = Stopwatch.GetTimestamp();
        using Process alm = Start(side, "run", Path.Combine(folder, "startup.json"), "--run", run, "--plain");
        string shards = Path.Combine(run, "shards");
        while (!Directory.Exists(shards) || Directory.GetFiles(shards, "shard-?????-of-00004.alm").Length == 0)
        {
            if (alm.HasExited)
                throw new InvalidOperationException($"{side}: ended with {alm.ExitCode}; run this in the repository's folder");
            Thread.Sleep(1);
        }
        double part = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double processor = alm.TotalProcessorTime.TotalSeconds;
        alm.StandardOutput.ReadToEnd();
        alm.WaitForExit();
        Directory.Delete(run, recursive: true);
        return (part, processor);
    }

    private static double Help(string side)
    {
        long start = Stopwatch.GetTimestamp();
        using Process alm = Start(side, "--help");
        alm.StandardOutput.ReadToEnd();
        alm.WaitForExit();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static Process Start(string side, params string[] arguments)
        => Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(side, "alm.dll"), .. arguments]) { RedirectStandardOutput = true })!;
}
