using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Host.Definitions;
using Pipeline.Stages;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Compares the cost of a student's step with different objectives, in turn over the same batches. Arguments: <c>step [MODEL] [--config FILE --tokenizer
/// FOLDER] [--sides NAMES] [--steps N] [--tokens N] [--rows N] [--threads N]</c>. Without a config, the student is the model with a byte vocabulary. All
/// sides train the same weights, in turn, each with its own optimizer.
/// </summary>
internal static class BytesStepBenchmark
{
    private static readonly Dictionary<string, ObjectivesOptions> s_sides = new()
    {
        ["sft"] = new() { Sft = new() },
        ["alm"] = new() { Alm = new() },
        ["alm+sft"] = new() { Alm = new(), Sft = new() },
        ["bytes"] = new() { Bytes = new() },
        ["sft+bytes"] = new() { Sft = new(), Bytes = new() },
        ["subword"] = new() { SubwordBytes = new() },
        ["sft+subword"] = new() { Sft = new(), SubwordBytes = new() },
    };

    public static async Task<int> Run(string model, Func<string, string, string> option)
    {
        int Number(string name, string value) => int.Parse(option(name, value), CultureInfo.InvariantCulture);
        model = Path.GetFullPath(model);
        string config = option("--config", ""), student = config == "" ? $$"""{ "model": "{{model}}", "tokenizer": "bytes" }""" : $$"""{ "config": "{{Path.GetFullPath(config)}}", "tokenizer": "{{Path.GetFullPath(option("--tokenizer", model))}}" }""";
        string folder = Directory.CreateTempSubdirectory("alm-bench-").FullName;
        var environment = new CommandEnvironment { Stages = StageTable.All, Output = TextWriter.Null };
        string path = Path.Combine(folder, "bytes.json"), run = Path.Combine(folder, "run");
        try
        {
            await File.WriteAllTextAsync(path, Definition(model, student, Number("--tokens", "4096"), Number("--rows", "800"), Number("--threads", "2")));
            int code = await AlmCommandLine.InvokeAsync(["run", path, "--run", run, "--plain"], environment);
            if (code == 0)
                await Compare(environment, path, run, option("--sides", "sft,alm+sft,bytes").Split(','), Number("--steps", "20"));
            return code;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // With 0 steps, the run writes the student as it begins. All sides start from it.
    private static string Definition(string model, string student, int tokens, int rows, int threads) => $$"""
        {
          "name": "bytes", "seed": 17, "threads": {{threads}},
          "teacher": { "model": "{{model}}" },
          "student": {{student}},
          "flows": [
            { "name": "score", "stages": [
              { "stage": "read-parquet", "files": ["data/text/train-*.parquet"], "maxRows": {{rows}} },
              { "stage": "tokenize", "maxTeacherTokens": 256 },
              { "stage": "align" },
              { "stage": "score-teacher", "bytes": "trunk" },
              { "stage": "write-shards", "to": "shards", "count": 1 } ] },
            { "name": "distill", "stages": [
              { "stage": "read-shards", "from": ["run:shards"], "epochs": 0 },
              { "stage": "batch", "tokens": {{tokens}} },
              { "stage": "update-student", "to": "student", "objectives": { "sft": {} }, "steps": 0, "learningRate": 1e-4 } ] } ]
        }
        """;

    private static async Task Compare(CommandEnvironment environment, string path, string folder, string[] names, int steps)
    {
        var storage = new DiskStorage();
        RunDefinition definition = new DefinitionLoader(environment.Catalog(), storage).Load(path, []).Definition;
        FlowDefinition flow = definition.Flows[1];
        var run = new RunSite(definition, folder, storage, new TokenizerStore(storage));
        using TorchDevice device = TorchDevice.Create(definition.Device, definition.Threads);
        var options = (UpdateStudentOptions)flow.Stages[2].Options;
        using LanguageModel student = await device.RunAsync(() => Student(options, run, device));
        (string Name, Trainer Trainer, List<double> Wall, List<double> Processor)[] sides = [.. await Task.WhenAll(names.Select(
            name => device.RunAsync(() => Begin(name, options with { Steps = steps + 1, Objectives = s_sides[name] }, student, run))))];
        long step = 0, tokens = 0;
        await foreach (StudentBatch batch in FlowBatches.Of(definition, flow, environment, folder))
        {
            foreach (var side in sides)
            {
                (double wall, double processor) = await device.RunAsync(() => ModelsWork.Once(() => side.Trainer.Step([(batch, side.Trainer.Tables(batch))], step)));
                // The first step of each side warms up.
                if (step > 0)
                {
                    side.Wall.Add(wall);
                    side.Processor.Add(processor);
                }
            }
            tokens += batch.Tokens;
            if (++step > steps)
                break;
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{steps} steps of about {tokens / step} student tokens, {device.Threads} threads, medians"));
        foreach (var side in sides)
        {
            static double Ratio(List<double> own, List<double> sft) => Statistics.Median([.. own.Zip(sft, (a, b) => a / b)]);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {side.Name,-12}{1 / Statistics.Median([.. side.Wall]),7:F2} steps/s, {Ratio(side.Wall, sides[0].Wall):F2} of sft's by the clock, {Ratio(side.Processor, sides[0].Processor):F2} by processor seconds"));
        }
        await device.RunAsync(() =>
        {
            foreach (var side in sides)
                side.Trainer.Dispose();
        });
    }

    private static LanguageModel Student(UpdateStudentOptions options, RunSite run, TorchDevice device)
    {
        string folder = Path.Combine(run.Folder, InitialStudent.Name);
        var student = new LanguageModel(CausalLm.Load(folder, run.Storage, device.Device, device.ComputeType), TextTokenizer.Load(folder, run.Storage), null);
        TrainedParameters.Choose(student, options, run.Definition.Seed);
        return student;
    }

    private static (string, Trainer, List<double>, List<double>) Begin(string name, UpdateStudentOptions options, LanguageModel student, RunSite run)
    {
        StudentObjectives objectives = StudentObjectives.Create(options.Objectives, student.Model.Config, run, () => throw new InvalidOperationException("no objective here needs a teacher's sizes"), student.Device);
        return (name, new Trainer(options, student, objectives), [], []);
    }
}
