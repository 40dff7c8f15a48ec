using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using LLama.Native;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Host.Gguf;
using Pipeline.Host.Tests.Gguf;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Models;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Teacher.Gguf;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Compares a teacher in torch with the same teacher in llama.cpp, in each of the formats that Alm writes: tokens scored per second of processor time with
/// one thread, and by how many nats the log-likelihoods differ from torch's. For llama.cpp, the time is that of its process. Arguments: <c>[--rows N]
/// [--rounds N] [--folder DIR]</c>. The teachers are the one of the quick start, and one of 134 M random parameters, which llama.cpp itself also converts
/// to Q4_K_M. The files stay in DIR if it is given.
/// </summary>
internal static class GgufBenchmark
{
    private const string Large =
        """
        {"model_type": "llama", "num_hidden_layers": 12, "hidden_size": 768, "intermediate_size": 2048, "num_attention_heads": 12, "vocab_size": 32000, "tie_word_embeddings": false,
         "max_position_embeddings": 2048}
        """;

    public static async Task<int> Run(string[] args)
    {
        int Number(string name, int absent) => Array.IndexOf(args, name) is >= 0 and int at ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : absent;
        int rows = Number("--rows", 4), rounds = Number("--rounds", 3);
        DiskStorage storage = new();
        string? kept = Array.IndexOf(args, "--folder") is >= 0 and int given ? Path.GetFullPath(args[given + 1]) : null;
        string folder = kept ?? Directory.CreateTempSubdirectory("alm-bench-").FullName;
        try
        {
            using TorchDevice torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null, ScalarType.Float32);
            await Compare("1 M, rows of 512", Path.GetFullPath("data/models/tiny-llama"), 4 * rows, 512, rounds, folder, hasBlocks: false, storage, torch);
            string large = Path.Combine(folder, "large");
            await torch.RunAsync(() => Make(large, storage), default);
            await Compare("134 M, rows of 256", large, rows, 256, rounds, folder, hasBlocks: true, storage, torch);
            return 0;
        }
        finally
        {
            if (kept is null)
                Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task Compare(string name, string model, int rows, int length, int rounds, string folder, bool hasBlocks, DiskStorage storage, TorchDevice device)
    {
        TextTokenizer tokenizer = TextTokenizer.Load(model, storage);
        var random = new Random(1);
        TeacherRequest request = new([.. Enumerable.Range(0, rows).Select(_ => new TeacherQuestion([.. Enumerable.Range(0, length).Select(_ => random.Next(256))]))]);
        IReadOnlyList<TeacherAnswer> expected;
        await using (TorchTeacher torch = new(model, tokenizer, storage, device))
            expected = await Print($"{name}: torch float32", torch, () => Process.GetCurrentProcess().TotalProcessorTime, request, rounds, null);
        foreach (GgufType? type in Enum.GetValues<GgufType>().Cast<GgufType?>().Concat(hasBlocks ? [null] : []))
        {
            string file = Path.Combine(folder, $"{type?.ToString() ?? "Q4_K_M"}.gguf");
            if (type is { } ours)
                await device.RunAsync(() => GgufModelFile.Convert(model, null, file, ours, storage, device), default);
            else
                LlamaQuantizer.Write(Path.Combine(folder, $"{GgufType.F32}.gguf"), file, LLamaFtype.MOSTLY_Q4_K_M);
            await using GgufTeacher llama = new(file, new GgufTeacherDefinition { Model = file }, tokenizer, storage, new GgufWorkers(), 1);
            await Print($"{name}: llama.cpp {Path.GetFileNameWithoutExtension(file)}, {new FileInfo(file).Length >> 20} MiB", llama, () =>
            {
                using Process worker = Process.GetProcessById(llama.ProcessId!.Value);
                return worker.TotalProcessorTime;
            }, request, rounds, expected);
        }
    }

    private static async Task<IReadOnlyList<TeacherAnswer>> Print(
        string name, ITeacher teacher, Func<TimeSpan> processorTime, TeacherRequest request, int rounds, IReadOnlyList<TeacherAnswer>? expected)
    {
        IReadOnlyList<TeacherAnswer> answers = await teacher.ScoreAsync(request, default);
        List<double> rates = [];
        for (int i = 0; i < rounds; i++)
        {
            TimeSpan before = processorTime();
            await teacher.ScoreAsync(request, default);
            rates.Add(request.Rows.Sum(r => r.Ids.Length) / (processorTime() - before).TotalSeconds);
        }
        rates.Sort();
        double[] off = [.. (expected ?? answers).Zip(answers).SelectMany(p => p.First.Scores.NegLogLikelihood.Zip(p.Second.Scores.NegLogLikelihood, (a, b) => (double)Math.Abs(a - b)))];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{name,-44} {Statistics.Median(rates),9:F0} tokens per second of processor time ({rates[0]:F0} to {rates[^1]:F0}); off by {off.Average():E1} on average, {off.Max():E1} at most"));
        return answers;
    }

    // This method uses torch. It must not be inlined, so that it is compiled only after torch was loaded.
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Make(string folder, DiskStorage storage)
    {
        using CausalLm model = CausalLm.Create(ModelConfig.Parse(Large, "large"), 1, CPU, ScalarType.Float32);
        storage.CreateDirectory(folder);
        TextTokenizer.Bytes(["<s>", "</s>", "<pad>"], "<s>", "</s>", "<pad>").Save(folder, storage);
        model.Save(folder, storage, ScalarType.Float32);
    }
}
