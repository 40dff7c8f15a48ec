using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Models;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures what next bytes cost a teacher: a plain pass, a pass with the trunk's next bytes, and a pass with exact ones, in turn over the same batches.
/// Arguments: <c>score [MODEL] [--tokenizer FOLDER] [--width H] [--text FILE] [--rounds N] [--tokens N] [--threads N] [--view trunk|exact]</c>. With a
/// tokenizer, the model is a new one of four layers with its vocabulary. Or the arguments of <see cref="BytesStepBenchmark"/>.
/// </summary>
internal static class BytesBenchmark
{
    private const int DocumentCharacters = 600;

    public static async Task<int> Run(string[] args)
    {
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        int Number(string name, string value) => int.Parse(Option(name, value), CultureInfo.InvariantCulture);
        var storage = new DiskStorage();
        string model = args.Length > 1 && !args[1].StartsWith("--", StringComparison.Ordinal) ? args[1] : "data/models/tiny-llama";
        if (args.FirstOrDefault() == "step")
            return await BytesStepBenchmark.Run(model, Option);
        string tokenizerFolder = Option("--tokenizer", model);
        string? made = tokenizerFolder == model ? null : Directory.CreateTempSubdirectory("alm-bytes-").FullName;
        using var device = TorchDevice.Create(DeviceChoice.Cpu, Number("--threads", "2"));
        try
        {
            TextTokenizer tokenizer = TextTokenizer.Load(tokenizerFolder, storage);
            if (made is not null)
                await device.RunAsync(() => Save(made, tokenizer, Number("--width", "128"), storage));
            await using var teacher = new TorchTeacher(Path.GetFullPath(made ?? model), tokenizer, storage, device);
            TokenSequence[] rows = Rows(BenchmarkText.Documents([Option("--text", "data/text/test.parquet")], storage), tokenizer, Number("--tokens", "40000"));
            NextByteKnowledge[] asked = Option("--view", "") is { Length: > 0 } view ? [Enum.Parse<NextByteKnowledge>(view, ignoreCase: true)] : [NextByteKnowledge.Trunk, NextByteKnowledge.Exact];
            await Compare(teacher, rows, tokenizer, asked, Number("--rounds", "7"));
            return 0;
        }
        finally
        {
            if (made is not null)
                Directory.Delete(made, recursive: true);
        }
    }

    private static async Task Compare(TorchTeacher teacher, TokenSequence[] rows, TextTokenizer tokenizer, NextByteKnowledge[] asked, int rounds)
    {
        int[][] batches = [.. LengthBatches.Plan([.. rows.Select(r => r.Count)], 8192)];
        NextByteKnowledge[] views = [NextByteKnowledge.None, .. asked];
        var walls = views.ToDictionary(v => v, _ => new List<double>());
        var processors = views.ToDictionary(v => v, _ => new List<double>());
        long contexts = 0, bytes = rows.Sum(r => (long)r.ByteEnds[^1]);
        double lost = 0;
        for (int round = 0; round <= rounds; round++)
        {
            foreach (NextByteKnowledge view in views)
            {
                (contexts, lost) = (0, 0);
                TimeSpan before = Environment.CpuUsage.TotalTime;
                double seconds = await ModelsWork.SecondsAsync(async () =>
                {
                    foreach (int[] batch in batches)
                    {
                        TeacherQuestion[] questions = [.. batch.Select(i => new TeacherQuestion(rows[i].Ids) { Tokens = rows[i] })];
                        var request = new TeacherRequest(questions) { Bytes = view == NextByteKnowledge.None ? null : new NextBytesAsked(view, view == NextByteKnowledge.Exact ? 1e-3 : 0, 16, 0.99) };
                        IReadOnlyList<TeacherAnswer> answers = await teacher.ScoreAsync(request, CancellationToken.None);
                        contexts += answers.Sum(a => (long)(a.Bytes?.Contexts ?? 0));
                        lost += answers.Sum(a => a.Bytes?.LostShare ?? 0);
                    }
                });
                // The first round loads the model and fills caches, and does not count.
                if (round > 0)
                {
                    walls[view].Add(seconds);
                    processors[view].Add((Environment.CpuUsage.TotalTime - before).TotalSeconds);
                }
                else if (view != NextByteKnowledge.None)
                {
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {view,-6} first time {seconds:F2} s, {contexts} contexts, lost share per document {lost / rows.Length:G3}"));
                }
            }
        }
        int tokens = rows.Sum(r => r.Count);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rows.Length} documents, {tokens} tokens, {bytes} bytes, vocabulary {tokenizer.VocabularySize}"));
        foreach (NextByteKnowledge view in views)
        {
            double Ratio(Dictionary<NextByteKnowledge, List<double>> of) => Statistics.Median([.. of[view].Zip(of[NextByteKnowledge.None], (a, b) => a / b)]);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {view,-6}{tokens / Statistics.Median([.. walls[view]]),8:F0} tokens/s, {Ratio(walls):F2} of the plain pass by the clock, {Ratio(processors):F2} by processor seconds (medians of {rounds} pairs)"));
        }
    }

    private static TokenSequence[] Rows(string[] documents, TextTokenizer tokenizer, int tokens)
    {
        TextEncoder encoder = tokenizer.CreateEncoder();
        var rows = new List<TokenSequence>();
        foreach (string document in documents)
        {
            for (int at = 0; at < document.Length && tokens > 0; at += DocumentCharacters)
            {
                rows.Add(encoder.EncodeDocument(WellFormedText.Normalize(document.Substring(at, Math.Min(DocumentCharacters, document.Length - at))), addBos: true, addEos: true));
                tokens -= rows[^1].Count;
            }
        }
        return [.. rows];
    }

    private static void Save(string folder, TextTokenizer tokenizer, int width, DiskStorage storage)
    {
        using CausalLm model = CausalLm.Create(
            ModelConfig.Parse(
                $$"""
                {"model_type": "llama", "hidden_size": {{width}}, "intermediate_size": {{width * 11 / 4}}, "num_hidden_layers": 4, "num_attention_heads": {{width / 32}},
                 "vocab_size": {{tokenizer.VocabularySize}}, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}
                """, "benchmark"),
            1, CPU, ScalarType.Float32);
        model.Save(folder, storage, ScalarType.Float32);
    }
}
