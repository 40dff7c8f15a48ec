using System.Globalization;
using System.Text;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Bytes of text per second that a teacher and a byte student of its shape write, in turn, by the clock and by processor time; a token of the teacher counts as many
/// bytes as the prompts have per token. The student is drawn, which does not change its speed, and neither side stops early.
/// </summary>
internal static class GenerateBytesBenchmark
{
    private const int PromptBytes = 600, NewTokens = 128;

    public static void Run(string teacher, string folder, string threads, int rounds)
    {
        var storage = new DiskStorage();
        string student = Path.Combine(folder, "byte-student");
        Make(teacher, student, storage);
        string[] texts = [.. BenchmarkText.Documents(["data/text/test.parquet"], storage).Where(text => Ascii.IsValid(text)).Take(8).Select(text => text[..PromptBytes])];
        TextTokenizer tokenizer = TextTokenizer.Load(teacher, storage);
        int[][] tokens = [.. texts.Select(text => tokenizer.EncodeToIds(text).ToArray())];
        double bytesPerToken = (double)texts.Length * PromptBytes / tokens.Sum(row => row.Length);
        int newBytes = (int)Math.Round(NewTokens * bytesPerToken);
        using WorkerProcess teacherSide = WorkerProcess.Ours("generate", "worker", "ours", teacher, threads), studentSide = WorkerProcess.Ours("generate", "worker", "ours", student, threads);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"bytes, {threads} threads: {bytesPerToken:F2} bytes per token of the teacher"));
        foreach (int rows in (int[])[1, 8])
        {
            Side[] sides =
            [
                new("teacher", teacherSide, [.. tokens.Take(rows)], NewTokens, NewTokens * bytesPerToken),
                new("student", studentSide, [.. texts.Take(rows).Select(text => Encoding.ASCII.GetBytes(text).Select(b => (int)b).ToArray())], newBytes, newBytes),
            ];
            // The first round warms up; who goes first goes second next time.
            for (int round = 0; round <= rounds; round++)
            {
                for (int k = 0; k < 2; k++)
                    sides[(round + k) % 2].Ask(isKept: round > 0);
            }
            foreach (Side side in sides)
            {
                string Of(Func<Side, List<double>> rates) => string.Create(
                    CultureInfo.InvariantCulture, $"{Statistics.Median(rates(side)),9:F0} ({Statistics.Median(rates(side).Zip(rates(sides[0]), (own, first) => own / first)):F2} of the teacher's)");
                Console.WriteLine($"  {rows} rows, {side.Name}: prompt {Of(s => s.Prompt)} bytes per processor second; new {Of(s => s.New)} bytes per processor second, {Of(s => s.Wall)} per second");
            }
        }
    }

    // Reads a teacher's shape only. Byte ids of the student are the bytes themselves.
    private static void Make(string teacher, string student, DiskStorage storage)
    {
        using TorchDevice torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null, ScalarType.Float32);
        torch.RunAsync(() =>
        {
            TextTokenizer bytes = TextTokenizer.Bytes(["<s>", "</s>"], "<s>", "</s>", null);
            using CausalLm model = CausalLm.Create(ModelConfig.Load(teacher, storage) with { VocabularySize = bytes.VocabularySize }, 1, CPU, ScalarType.Float32);
            storage.CreateDirectory(student);
            bytes.Save(student, storage);
            model.Save(student, storage, ScalarType.Float32);
        }).GetAwaiter().GetResult();
    }

    private sealed record Side(string Name, WorkerProcess Process, int[][] Rows, int Steps, double BytesPerRow)
    {
        public List<double> Prompt { get; } = [];

        public List<double> New { get; } = [];

        public List<double> Wall { get; } = [];

        public void Ask(bool isKept)
        {
            string ids = string.Join(';', Rows.Select(row => string.Join(',', row)));
            double first = Process.Ask($"ids {Steps} {ids}").Processor;
            (double wall, double processor, _) = Process.Ask($"new {Steps}");
            if (!isKept)
                return;
            Prompt.Add(Rows.Length * PromptBytes / first);
            New.Add(Rows.Length * BytesPerRow / processor);
            Wall.Add(Rows.Length * BytesPerRow / wall);
        }
    }
}
