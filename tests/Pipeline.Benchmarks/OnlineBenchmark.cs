using System.Diagnostics;
using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Host.Definitions;
using Pipeline.Stages;
using Pipeline.Stages.Language;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Student;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures what the cache saves. A student that reads the teacher's scores from shards takes turns, step by step and over the same batches, with one whose
/// teacher scores every batch when it comes. Arguments: <c>[MODEL] [--student self|bytes] [--steps N] [--tokens N] [--threads N]</c>. With <c>self</c>, the
/// model distills itself, with its own tokenizer.
/// </summary>
internal static class OnlineBenchmark
{
    private const string Cached = "cached";
    private const string Online = "online";
    private const int MemorySteps = 10;

    public static async Task<int> Run(string[] args)
    {
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        int Number(string name, string value) => int.Parse(Option(name, value), CultureInfo.InvariantCulture);
        string model = args.Length > 0 && !args[0].StartsWith("--", StringComparison.Ordinal) ? args[0] : "data/models/tiny-llama";
        int steps = Number("--steps", "40"), tokens = Number("--tokens", "4096"), threads = Number("--threads", "0");
        bool bytes = Option("--student", "self") == "bytes";
        string? side = Array.IndexOf(args, "--side") >= 0 ? Option("--side", "") : null;
        string folder = side is null ? Directory.CreateTempSubdirectory("alm-bench-").FullName : Option("--folder", "");
        var environment = new CommandEnvironment { Stages = StageTable.All, Output = TextWriter.Null };
        string path = Path.Combine(folder, "online.json"), run = Path.Combine(folder, "run");
        if (side is not null)
            return await PeakOf(side, environment, path, run);
        try
        {
            await File.WriteAllTextAsync(path, Definition(Path.GetFullPath(model), bytes, tokens, threads));
            int code = await AlmCommandLine.InvokeAsync(["run", path, "--run", run, "--plain"], environment);
            if (code != 0)
                return code;
            await Compare(environment, path, run, steps);
            foreach (string one in (string[])[Cached, Online])
            {
                using Process child = Process.Start(Environment.ProcessPath!, [typeof(OnlineBenchmark).Assembly.Location, "online", "--side", one, "--folder", folder]);
                await child.WaitForExitAsync();
            }
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // With 0 steps, the run writes the student as it begins. Both sides start from it.
    private static string Definition(string model, bool bytes, int tokens, int threads) => $$"""
        {
          "name": "online", "seed": 17, "threads": {{threads}},
          "teacher": { "model": "{{model}}" },
          "student": { "model": "{{model}}"{{(bytes ? ", \"tokenizer\": \"bytes\"" : "")}} },
          "flows": [
            { "name": "score", "stages": [
              { "stage": "read-parquet", "files": ["data/text/train-*.parquet"], "maxRows": 1500 },
              { "stage": "tokenize", "maxTeacherTokens": 256 },
              { "stage": "align" },
              { "stage": "score-teacher" },
              { "stage": "write-shards", "to": "shards", "count": 1 } ] },
            { "name": "distill", "stages": [
              { "stage": "read-shards", "from": ["run:shards"], "epochs": 0 },
              { "stage": "batch", "tokens": {{tokens}} },
              { "stage": "update-student", "to": "student", "objectives": { "alm": {} }, "steps": 0, "learningRate": 1e-4 } ] } ]
        }
        """;

    private static async Task Compare(CommandEnvironment environment, string path, string folder, int steps)
    {
        using Sides sides = await Sides.OpenAsync(environment, path, folder, steps + 1);
        // The first step of each side warms up.
        await sides.CachedAsync(0);
        await sides.OnlineAsync(0);
        List<double> cached = [], online = [];
        for (int i = 1; i <= steps; i++)
        {
            int at = i;
            cached.Add(await ModelsWork.SecondsAsync(() => sides.CachedAsync(at)));
            online.Add(await ModelsWork.SecondsAsync(() => sides.OnlineAsync(at)));
        }
        double ratio = Statistics.Median([.. online.Zip(cached, (o, c) => o / c)]);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{steps} steps of about {sides.MeanTokens:F0} student tokens, {sides.Threads} threads, medians"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Cached,-8}{1 / Statistics.Median([.. cached]),7:F2} steps/s"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Online,-8}{1 / Statistics.Median([.. online]),7:F2} steps/s"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a step from the cache is {ratio:F3} times as fast (median of pairs)"));
    }

    /// <summary>Measures the peak memory of one side. Runs in a process of its own, so that the other side has no part in it.</summary>
    private static async Task<int> PeakOf(string side, CommandEnvironment environment, string path, string folder)
    {
        using Sides sides = await Sides.OpenAsync(environment, path, folder, MemorySteps);
        for (int i = 0; i < MemorySteps; i++)
            await (side == Cached ? sides.CachedAsync(i) : sides.OnlineAsync(i));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{side,-8}{ModelsWork.Status("VmHWM:") / 1048576.0,7:F0} MiB at the peak of a process of {MemorySteps} steps"));
        return 0;
    }

    /// <summary>Two equal students, the batches, and the teacher, which is loaded when it is first asked.</summary>
    private sealed class Sides(TorchDevice device, TorchTeacher teacher, Side cached, Side online, IReadOnlyList<StudentBatch> batches) : IDisposable
    {
        private readonly OnlineScores _scores = new(teacher);

        public double MeanTokens => batches.Average(b => b.Tokens);

        public int Threads => device.Threads;

        public static async Task<Sides> OpenAsync(CommandEnvironment environment, string path, string folder, int count)
        {
            var storage = new DiskStorage();
            RunDefinition definition = new DefinitionLoader(environment.Catalog(), storage).Load(path, []).Definition;
            FlowDefinition flow = definition.Flows[1];
            var batches = new List<StudentBatch>();
            await foreach (StudentBatch batch in FlowBatches.Of(definition, flow, environment, folder))
            {
                batches.Add(batch);
                if (batches.Count == count) break;
            }
            UpdateStudentOptions options = (UpdateStudentOptions)flow.Stages[2].Options with { Steps = count };
            var run = new RunSite(definition, folder, storage, new TokenizerStore(storage));
            string initial = Path.Combine(folder, InitialStudent.Name), teacherFolder = RunPaths.Input(folder, definition.Teacher!.Model);
            TorchDevice device = TorchDevice.Create(definition.Device, definition.Threads);
            return new Sides(
                device, new TorchTeacher(teacherFolder, TextTokenizer.Load(teacherFolder, storage), storage, device),
                await Side.CreateAsync(options, initial, run, device), await Side.CreateAsync(options, initial, run, device), batches);
        }

        public Task CachedAsync(int at) => cached.StepAsync(batches[at]);

        public async Task OnlineAsync(int at) => await online.StepAsync(await _scores.ScoreAsync(batches[at], default));

        public void Dispose()
        {
            cached.Dispose();
            online.Dispose();
            teacher.ReleaseAsync().AsTask().GetAwaiter().GetResult();
            device.Dispose();
        }
    }

    private sealed class Side(TorchDevice device, LanguageModel student, Trainer trainer) : IDisposable
    {
        private long _step;

        public static Task<Side> CreateAsync(UpdateStudentOptions options, string folder, RunSite run, TorchDevice device)
            => device.RunAsync(() =>
            {
                var student = new LanguageModel(Stages.Models.CausalLm.Load(folder, run.Storage, device.Device, device.ComputeType), TextTokenizer.Load(folder, run.Storage), null);
                TrainedParameters.Choose(student, options, run.Definition.Seed);
                return new Side(device, student, new Trainer(options, student, StudentObjectives.Create(options.Objectives, student.Model.Config, run, () => throw new InvalidOperationException("no objective here needs a teacher's sizes"), student.Device)));
            });

        public async Task StepAsync(StudentBatch batch)
        {
            BatchTables tables = trainer.Tables(batch);
            await device.RunAsync(() => trainer.Step([(batch, tables)], _step++));
        }

        public void Dispose() => device.RunAsync(() =>
        {
            trainer.Dispose();
            student.Dispose();
        }).GetAwaiter().GetResult();
    }
}
