using System.Diagnostics;
using System.Globalization;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Artifacts;
using Pipeline.Stages.Shards;

namespace Pipeline.Benchmarks;

/// <summary>
/// Compares <c>alm verify</c>, in GB/s, with a plain read of the same files in the same run. Arguments: <c>[--folder DIR] [--gigabytes N] [--shards N]
/// [--rounds N]</c>. The folder is made if it does not exist, and is kept if it was named. All files are read once in advance, so that both sides read from
/// the system's memory, if they fit there.
/// </summary>
internal static class VerifyBenchmark
{
    private const int ReadBytes = 1 << 20;

    public static int Run(string[] args)
    {
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        string folder = Path.GetFullPath(Option("--folder", Path.Combine(Path.GetTempPath(), $"alm-verify-{Environment.ProcessId}")));
        int shards = int.Parse(Option("--shards", "4"), CultureInfo.InvariantCulture), rounds = int.Parse(Option("--rounds", "5"), CultureInfo.InvariantCulture);
        if (!Directory.Exists(folder))
            Make(folder, shards, (long)(double.Parse(Option("--gigabytes", "3"), CultureInfo.InvariantCulture) * 1e9));
        try
        {
            if (rounds > 0)
                Measure(folder, rounds);
        }
        finally
        {
            if (!args.Contains("--folder"))
                Directory.Delete(folder, recursive: true);
        }
        return 0;
    }

    private static void Measure(string folder, int rounds)
    {
        var storage = new DiskStorage();
        string[] files = Directory.GetFiles(folder);
        Read(files);
        var plain = new double[rounds];
        var verified = new double[rounds];
        long bytes = 0;
        for (int i = 0; i < rounds; i++)
        {
            long start = Stopwatch.GetTimestamp();
            bytes = Read(files);
            plain[i] = bytes / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
            start = Stopwatch.GetTimestamp();
            VerificationReport report = ArtifactVerifier.Verify(storage, folder);
            if (report.Findings.Count > 0)
                throw new InvalidOperationException(report.Findings[0].Message);
            verified[i] = report.Bytes / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{files.Length} files, {bytes / 1e9:F2} GB, medians of {rounds}: read {Statistics.Median(plain):F2} GB/s, verify {Statistics.Median(verified):F2} GB/s ({string.Join(", ", verified.Select(v => v.ToString("F2", CultureInfo.InvariantCulture)))})"));
    }

    private static long Read(string[] files)
    {
        byte[] buffer = new byte[ReadBytes];
        long bytes = 0;
        foreach (string file in files)
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.SequentialScan);
            for (int read; (read = stream.Read(buffer)) > 0; bytes += read)
            {
            }
        }
        return bytes;
    }

    // Scores and texts are random, so that they cannot be compressed to almost nothing.
    private static void Make(string folder, int count, long bytes)
    {
        var storage = new DiskStorage();
        ShardFingerprint fingerprint = ShardFingerprint.Of(new Dictionary<string, string>());
        Example[] examples = [.. Enumerable.Range(0, 64).Select(row => Draw(row))];
        var set = new ShardFolder(storage, folder, count, fingerprint);
        for (int i = 0; i < count; i++)
        {
            using var writer = new ShardWriter(storage, set.PathOf(i), new ShardHeader(fingerprint, i, count), new ShardWriterOptions(CompressionLevel: 1));
            long estimated = 0;
            for (int n = 0; estimated < bytes / count; n++)
            {
                Example example = examples[n % examples.Length];
                writer.Add(example with { Id = example.Id with { Row = ((long)i << 32) + n } });
                estimated += example.Text.Length + (8 * example.Student.Count);
            }
            set.Add(writer.Commit(), _ => { });
        }
    }

    private static Example Draw(int row)
    {
        const int Tokens = 4096;
        var random = new Random(row);
        string text = string.Concat(Enumerable.Range(0, Tokens * 4).Select(_ => (char)random.Next(32, 127)));
        int[] ids = [.. Enumerable.Range(0, Tokens).Select(_ => random.Next(1 << 17))], ends = [.. Enumerable.Range(1, Tokens).Select(i => 4 * i)];
        float[] Scores() => [.. Enumerable.Range(0, Tokens).Select(_ => (float)(random.NextDouble() * 20))];
        var tokens = new TokenSequence(ids, ends);
        return new Example(new DocumentId(42, row, 0), text, tokens, new TeacherView(tokens, new TeacherScores(Scores(), Scores())), [.. Enumerable.Range(0, Tokens).Select(i => new Chunk(i, i + 1, i, i + 1))]);
    }

}
