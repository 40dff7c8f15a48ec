using System.Diagnostics;
using System.Globalization;

using Pipeline.Contracts.Records;
using Pipeline.Stages.Alignment;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures the aligner on one thread: teacher tokens per second, and bytes allocated per token. The teacher's tokens have about four bytes. They are
/// aligned with tokens of about four and a half bytes, with single bytes, and with a bos in front of both sides, which takes another walk.
/// </summary>
internal static class AlignmentBenchmark
{
    private const int Tokens = 1_000_000;

    public static int Run(string[] args)
    {
        double seconds = args.Length > 0 ? double.Parse(args[0], CultureInfo.InvariantCulture) : 1.0;
        int[] teacher = Ends(Tokens, 4.0, seed: 1, int.MaxValue);
        int bytes = teacher[^1];
        int[] student = Ends(Tokens, 4.5, seed: 2, bytes);
        int[] single = [.. Enumerable.Range(1, bytes)];
        ushort[] teacherUnits = new ushort[teacher.Length], studentUnits = new ushort[student.Length];
        teacherUnits[0] = studentUnits[0] = UnitLabels.Bos;
        Measure("subword to subword", teacher, [], student, [], seconds);
        Measure("subword to bytes", teacher, [], single, [], seconds);
        Measure("subword to subword, marks", teacher, teacherUnits, student, studentUnits, seconds);
        return 0;
    }

    private static void Measure(string name, int[] teacher, ushort[] teacherUnits, int[] student, ushort[] studentUnits, double seconds)
    {
        Chunk[] chunks = new Chunk[Math.Min(teacher.Length, student.Length)];
        int count = 0, rounds = 0;
        for (int i = 0; i < 3; i++)
            count = ChunkAligner.Align(teacher, teacherUnits, student, studentUnits, chunks);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        double elapsed;
        do
        {
            count = ChunkAligner.Align(teacher, teacherUnits, student, studentUnits, chunks);
            rounds++;
            elapsed = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        while (elapsed < seconds);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-28} {(double)teacher.Length * rounds / elapsed / 1e6,8:F1} M teacher tokens/s {count,9} chunks {(double)allocated / rounds / teacher.Length,8:F3} bytes allocated per token"));
    }

    private static int[] Ends(int tokens, double meanWidth, int seed, int bytes)
    {
        Random random = new(seed);
        List<int> ends = new(tokens);
        int end = 0;
        while (end < bytes && (ends.Count < tokens || bytes != int.MaxValue))
        {
            end = Math.Min(bytes, end + 1 + (int)(random.NextDouble() * 2 * (meanWidth - 1)));
            ends.Add(end);
        }
        return [.. ends];
    }
}
