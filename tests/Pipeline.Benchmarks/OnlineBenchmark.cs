using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Host.Definitions;
using Pipeline.Stages;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Student;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// What the cache saves: steps of a student that reads the teacher's scores from shards, and of one whose teacher scores every batch
/// anew, in turn, over the same batches. Arguments: <c>[MODEL] [--student self|bytes] [--steps N] [--tokens N] [--threads N]</c>; self is
/// self-distillation, the model under its own tokenizer.
/// </summary>
internal static class OnlineBenchmark
{
    public static async Task<int> Run(string[] args)
    {
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        int Number(string name, string value) => int.Parse(Option(name, value), CultureInfo.InvariantCulture);
        string model = args.Length > 0 && !args[0].StartsWith("--", StringComparison.Ordinal) ? args[0] : "data/models/tiny-llama";
        int steps = Number("--steps", "40"), tokens = Number("--tokens", "4096"), threads = Number("--threads", "0");
        bool bytes = Option("--student", "self") == "bytes";
        string folder = Directory.CreateTempSubdirectory("alm-bench-").FullName;
        try
        {
            string path = Path.Combine(folder, "online.json");
            await File.WriteAllTextAsync(path, Definition(Path.GetFullPath(model), bytes, tokens, threads));
            var environment = new CommandEnvironment { Stages = StageTable.All, Output = TextWriter.Null };
            int code = await AlmCommandLine.InvokeAsync(["run", path, "--run", Path.Combine(folder, "run"), "--plain"], environment);
            return code != 0 ? code : await Compare(environment, path, Path.Combine(folder, "run"), steps);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Steps of 0 write the student as it began, which both sides start from.
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

    private static async Task<int> Compare(CommandEnvironment environment, string path, string folder, int steps)
    {
        var storage = new DiskStorage();
        RunDefinition definition = new DefinitionLoader(environment.Catalog(), storage).Load(path, []).Definition;
        FlowDefinition flow = definition.Flows[1];
        var quiet = new QuietStage();
        var context = new StageContext(definition, flow, "benchmark", folder, storage, quiet, quiet, quiet, null, TimeProvider.System);
        var batches = new List<StudentBatch>();
        await foreach (StudentBatch batch in new BatchStage((BatchOptions)flow.Stages[1].Options, context)
            .RunAsync(new ReadShardsStage((ReadShardsOptions)flow.Stages[0].Options, context).ReadAsync(default), default))
        {
            batches.Add(batch);
            if (batches.Count == steps + 1) break;
        }
        var options = (UpdateStudentOptions)flow.Stages[2].Options;
        string initial = Path.Combine(folder, InitialStudent.Name), teacherFolder = RunPaths.Input(folder, definition.Teacher!.Model);
        using TorchDevice device = TorchDevice.Create(definition.Device, definition.Threads);
        using var teacher = new TeacherModel(teacherFolder, TextTokenizer.Load(teacherFolder, storage), storage, device);
        var scores = new OnlineScores(teacher);
        using var cached = await Side.CreateAsync(options with { Steps = steps + 1 }, initial, context, storage, device);
        // The first step of each warms up; the cached side's memory is taken before a teacher is in it.
        long cachedBytes = await PeakAsync(() => cached.StepAsync(batches[0], device));
        using var online = await Side.CreateAsync(options with { Steps = steps + 1 }, initial, context, storage, device);
        long onlineBytes = await PeakAsync(async () => await online.StepAsync(await scores.ScoreAsync(batches[0], default), device));

        List<double> without = [], with = [];
        foreach (StudentBatch batch in batches.Skip(1))
        {
            without.Add(await ModelsWork.SecondsAsync(() => cached.StepAsync(batch, device)));
            with.Add(await ModelsWork.SecondsAsync(async () => await online.StepAsync(await scores.ScoreAsync(batch, default), device)));
        }
        double fast = ModelsWork.Median([.. without]), slow = ModelsWork.Median([.. with]), ratio = ModelsWork.Median([.. with.Zip(without, (w, o) => w / o)]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{steps} steps of about {batches.Average(b => b.Tokens):F0} student tokens, {device.Threads} threads, medians"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"cache           {1 / fast,7:F2} steps/s   peak above what was there {cachedBytes >> 20,5} MiB"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"teacher online  {1 / slow,7:F2} steps/s   peak above what was there {onlineBytes >> 20,5} MiB, the teacher's weights included"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a step from the cache is {ratio:F3} times as fast (median of pairs)"));
        return 0;
    }

    private static async Task<long> PeakAsync(Func<Task> work)
    {
        GC.Collect();
        await File.WriteAllTextAsync("/proc/self/clear_refs", "5");
        long before = ModelsWork.Status("VmRSS:");
        await work();
        return ModelsWork.Status("VmHWM:") - before;
    }

    private sealed class Side(TorchDevice device, StudentModel student, Trainer trainer) : IDisposable
    {
        private long _step;

        public static Task<Side> CreateAsync(UpdateStudentOptions options, string folder, StageContext context, DiskStorage storage, TorchDevice device)
            => device.RunAsync(() =>
            {
                var student = new StudentModel(Stages.Models.CausalLm.Load(folder, storage, device.Device, device.ComputeType), TextTokenizer.Load(folder, storage), null);
                TrainedParameters.Choose(student, options, context.Definition.Seed);
                return new Side(device, student, new Trainer(options, student, StudentObjectives.Create(options.Objectives, student.Model.Config, context, student.Device)));
            });

        public async Task StepAsync(StudentBatch batch, TorchDevice on)
        {
            BatchTables tables = trainer.Tables(batch);
            await on.RunAsync(() => trainer.Step([(batch, tables)], _step++));
        }

        public void Dispose() => device.RunAsync(() =>
        {
            trainer.Dispose();
            student.Dispose();
        }).GetAwaiter().GetResult();
    }
}
