using System.Collections.ObjectModel;
using System.Diagnostics;
using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Host.Commands;
using Pipeline.Host.Definitions;
using Pipeline.Host.Runs;
using Pipeline.Stages;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Student;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tests;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures what the pipeline costs beyond the maths. The flows of a definition, as <c>alm run</c> runs them, take turns with bare loops over the same
/// batches. Arguments: <c>[DEFINITION] [--rounds N] [--steps N]</c>. The definition must have flows 'score' and 'distill'.
/// </summary>
internal static class PipelineBenchmark
{
    public static async Task<int> Run(string[] args)
    {
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        string path = args.Length > 0 && !args[0].StartsWith("--", StringComparison.Ordinal) ? args[0] : "pipelines/quickstart.json";
        int rounds = int.Parse(Option("--rounds", "3"), CultureInfo.InvariantCulture);
        int steps = int.Parse(Option("--steps", "60"), CultureInfo.InvariantCulture);
        var storage = new DiskStorage();
        List<double> scoring = [], update = [];
        string folder = Path.Combine(Path.GetTempPath(), $"alm-bench-{Environment.ProcessId}");
        try
        {
            for (int round = 0; round < rounds; round++)
            {
                if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
                var environment = new CommandEnvironment { Stages = StageTable.All, Output = TextWriter.Null };
                int code = await AlmCommandLine.InvokeAsync(
                    ["run", path, "--run", folder, "--plain", "--set", string.Create(CultureInfo.InvariantCulture, $"flows.distill.update-student.steps={steps}")], environment);
                if (code != 0) return code;
                RunProgress progress = RunProgress.Read(storage, folder);
                RunDefinition definition = new DefinitionLoader(environment.Catalog(), storage).Load(Path.Combine(folder, "definition.json"), []).Definition;
                using TorchDevice device = TorchDevice.Create(definition.Device, definition.Threads);
                (double bare, long tokens) = await Score(definition, folder, storage, device);
                double flow = progress.Flows["score"].Seconds;
                scoring.Add(bare / flow);
                Print("scoring", tokens, flow, bare);
                (bare, tokens) = await Update(definition, folder, storage, device, steps);
                flow = progress.Flows["distill"].Seconds;
                update.Add(bare / flow);
                Print("update", tokens, flow, bare);
            }
        }
        finally
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"medians of {rounds}: scoring at {Statistics.Median(scoring):F3} of a bare forward loop, update at {Statistics.Median(update):F3} of a bare step"));
        return 0;
    }

    private static void Print(string what, long tokens, double flow, double bare) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{what,-8} pipeline {tokens / flow,9:F0} tokens/s   bare {tokens / bare,9:F0} tokens/s   ratio {bare / flow:F3}"));

    /// <summary>The forward pass, likelihoods and boundary masses, and nothing else, over the batches in which the shards were scored.</summary>
    private static async Task<(double Seconds, long Tokens)> Score(RunDefinition definition, string folder, DiskStorage storage, TorchDevice device)
    {
        ScoreTeacherOptions options = Options<ScoreTeacherOptions>(definition);
        string model = RunPaths.Input(folder, definition.Teacher!.Model);
        TextTokenizer tokenizer = TextTokenizer.Load(model, storage);
        ShardSet shards = ShardSet.Open(storage, Path.Combine(folder, Options<WriteShardsOptions>(definition).To), new Dictionary<string, string>());
        List<int[][]> batches = [];
        foreach (ShardReader shard in shards.Shards)
        {
            foreach (Example[] window in shard.ReadAll().Chunk(options.Window))
            {
                int[] lengths = [.. window.Select(e => e.Teacher!.Tokens.Count)];
                batches.AddRange(LengthBatches.Plan(lengths, options.BatchTokens).Select(b => Array.ConvertAll(b, i => window[i].Teacher!.Tokens.Ids)));
            }
        }
        await using var teacher = new TorchTeacher(model, tokenizer, storage, device);
        Task Forward(int[][] batch) => teacher.ScoreAsync(new TeacherRequest([.. batch.Select(ids => new TeacherQuestion(ids))]), CancellationToken.None);
        await Forward(batches[0]);
        long start = Stopwatch.GetTimestamp();
        foreach (int[][] batch in batches) await Forward(batch);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return (seconds, batches.Sum(b => b.Sum(r => (long)r.Length)));
    }

    /// <summary>The forward pass, objectives, backward pass and optimizer, and nothing else, over the batches on which the student was trained.</summary>
    private static async Task<(double Seconds, long Tokens)> Update(RunDefinition definition, string folder, DiskStorage storage, TorchDevice device, int steps)
    {
        UpdateStudentOptions options = Options<UpdateStudentOptions>(definition);
        var quiet = new QuietStage();
        var context = new StageContext(definition, new FlowFacts { ShardFolders = [Options<WriteShardsOptions>(definition).To] }, "benchmark", folder, storage, quiet, quiet, quiet, null);
        var batches = new List<(StudentBatch Batch, BatchTables Tables)>();
        var source = Made.ReadShards(Options<ReadShardsOptions>(definition), context, ReadOnlyDictionary<string, string>.Empty);
        await foreach (StudentBatch batch in Made.Batch(Options<BatchOptions>(definition), context).RunAsync(source.ReadAsync(default), default))
        {
            batches.Add((batch, BatchTables.From(batch.Examples, batch.Length, options.Objectives)));
            if (batches.Count == steps * options.Accumulate) break;
        }
        string initial = Path.Combine(folder, InitialStudent.Name);
        double seconds = await device.RunAsync(() =>
        {
            using var student = new LanguageModel(
                CausalLm.Load(initial, storage, device.Device, device.ComputeType), TextTokenizer.Load(initial, storage), null);
            TrainedParameters.Choose(student, options, definition.Seed);
            using var trainer = new Trainer(options, student, StudentObjectives.Create(options.Objectives, student.Model.Config, new RunSite(definition, folder, storage, new TokenizerStore(storage)), () => throw new InvalidOperationException("no objective here needs a teacher"), student.Device), null);
            long start = Stopwatch.GetTimestamp();
            for (int step = 0; step < steps; step++) trainer.Step(batches.GetRange(step * options.Accumulate, options.Accumulate), step);
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        });
        return (seconds, batches.Sum(b => (long)b.Batch.Tokens));
    }

    private static T Options<T>(RunDefinition definition) => definition.Flows.SelectMany(f => f.Stages).Select(s => s.Options).OfType<T>().First();
}
