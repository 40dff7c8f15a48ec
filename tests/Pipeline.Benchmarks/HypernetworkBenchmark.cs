using System.Collections.ObjectModel;
using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Commands;
using Pipeline.Host.Definitions;
using Pipeline.Stages;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Hypernetworks.Sampling;
using Pipeline.Stages.HypernetworkTraining;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Benchmarks;

/// <summary>
/// Measures what a training step of a hypernetwork costs beyond the work of the frozen model. Whole steps take turns with passes of the same batches
/// through the model alone, with the gradient with respect to its embeddings. Arguments: <c>[MODEL] [--steps N] [--tokens N] [--threads N]</c>.
/// </summary>
internal static class HypernetworkBenchmark
{
    public static async Task<int> Run(string[] args)
    {
        string Option(string name, string value) => Array.IndexOf(args, name) is >= 0 and int i ? args[i + 1] : value;
        int Number(string name, string value) => int.Parse(Option(name, value), CultureInfo.InvariantCulture);
        string model = Path.GetFullPath(args.Length > 0 && !args[0].StartsWith("--", StringComparison.Ordinal) ? args[0] : "data/models/tiny-llama");
        int steps = Number("--steps", "30"), threads = Number("--threads", "0");
        using var folder = new RemovedFolder();
        string path = Path.Combine(folder.Path, "scores.json"), run = Path.Combine(folder.Path, "run");
        var environment = new CommandEnvironment { Stages = StageTable.All, Output = TextWriter.Null };
        await File.WriteAllTextAsync(path, Definition(model, Number("--tokens", "4096"), steps, threads));
        int code = await AlmCommandLine.InvokeAsync(["run", path, "--run", run, "--through", "score", "--plain"], environment);
        if (code != 0) return code;
        RunDefinition definition = new DefinitionLoader(environment.Catalog(), new DiskStorage()).Load(path, []).Definition;
        List<SampledBatch> batches = await Draw(definition, environment, run, model, steps + 1);
        using TorchDevice device = TorchDevice.Create(definition.Device, definition.Threads);
        await device.RunAsync(() => Compare((TrainHypernetworkOptions)definition.Flows[1].Stages[2].Options, model, batches, device));
        return 0;
    }

    private static string Definition(string model, int tokens, int steps, int threads) => $$"""
        {
          "name": "scores", "seed": 17, "threads": {{threads}},
          "teacher": { "model": "{{model}}" },
          "student": { "model": "{{model}}", "tokenizer": "bytes" },
          "flows": [
            { "name": "score", "stages": [
              { "stage": "read-parquet", "files": ["data/text/train-*.parquet"], "maxRows": 1500 },
              { "stage": "tokenize", "maxTeacherTokens": 256 },
              { "stage": "align" },
              { "stage": "score-teacher" },
              { "stage": "write-shards", "to": "shards", "count": 1 } ] },
            { "name": "train", "stages": [
              { "stage": "read-shards", "from": ["run:shards"], "epochs": 0 },
              { "stage": "batch", "tokens": {{tokens}} },
              { "stage": "train-hypernetwork", "to": "hypernetwork", "from": ["run:shards"], "steps": {{steps + 1}}, "learningRate": 3e-3,
                "network": { "layers": 2, "heads": 4, "maxPieces": 8 } } ] } ]
        }
        """;

    /// <summary>The batches, tokenized by their random tokenizers. They are made in advance, because in a run this happens beside the steps.</summary>
    private static async Task<List<SampledBatch>> Draw(RunDefinition definition, CommandEnvironment environment, string run, string model, int count)
    {
        var storage = new DiskStorage();
        FlowDefinition flow = definition.Flows[1];
        var options = (TrainHypernetworkOptions)flow.Stages[2].Options;
        TextTokenizer source = TextTokenizer.Load(model, storage);
        List<string> pool = TextPool.Of([ShardSet.Open(storage, Path.Combine(run, "shards"), ReadOnlyDictionary<string, string>.Empty)], 1 << 20, default);
        int rows = ModelConfig.Load(model, storage).VocabularySize;
        var sampler = new BatchSampler(options, definition.Seed, source, rows, new TokenizerSampler(options.Sampling, definition.Seed, source, [], pool), options.Network.MaxPieces, SurfaceFormBuilder.NoPad);
        var drawn = new List<SampledBatch>();
        await foreach (StudentBatch batch in FlowBatches.Of(definition, flow, environment, run))
        {
            drawn.Add(sampler.At(drawn.Count, batch));
            if (drawn.Count == count) break;
        }
        return drawn;
    }

    private static void Compare(TrainHypernetworkOptions options, string folder, List<SampledBatch> batches, TorchDevice device)
    {
        using CausalLm model = CausalLm.Load(folder, new DiskStorage(), device.Device, device.ComputeType);
        using IHypernetwork network = HypernetworkFactory.Create(options.Network, HypernetworkTransfer.Source(model), 17);
        using var trainer = new HypernetworkTrainer(options, model, network, 17);
        IReadOnlyList<IObjective> objectives = ObjectiveTable.Create(options.Objectives, ObjectiveContext.Alone(model.Device));
        List<double> whole = [], alone = [];
        for (int i = 0; i < batches.Count; i++)
        {
            int at = i;
            double step = ModelsWork.Once(() => trainer.Step(batches[at], at)).Wall;
            double body = ModelsWork.Once(() => Body(trainer, model, objectives, batches[at])).Wall;
            // The first of each warms up.
            if (i == 0) continue;
            whole.Add(step);
            alone.Add(body);
        }
        double parameters = network.Parameters.Where(p => network.IsTrained(p.Name)).Sum(p => p.Tensor.numel()) / 1e6;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{whole.Count} pairs of steps of about {batches.Average(b => b.Examples.Sum(e => e.Student.Count)):F0} tokens, {batches.Average(b => b.Forms.Rows):F0} rows predicted by {parameters:F2} M parameters, {device.Threads} threads"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"hypernetwork's step  {Statistics.Median([.. whole]):F3} s"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"frozen model alone   {Statistics.Median([.. alone]):F3} s, forward and the gradient to its embeddings"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio                {Statistics.Median([.. whole.Zip(alone, (w, a) => w / a)]):F3} (median of pairs)"));
    }

    private static void Body(HypernetworkTrainer trainer, CausalLm model, IReadOnlyList<IObjective> objectives, SampledBatch batch)
    {
        using var scope = NewDisposeScope();
        Tensor rows_RMD = HypernetworkTransfer.Source(model).index_select(0, zeros(batch.Forms.Rows, dtype: ScalarType.Int64, device: model.Device)).detach().requires_grad_();
        BatchTensors tensors = BatchTensors.Of(Array.ConvertAll(batch.Examples, e => e.Student.Ids), model.Device);
        using AttentionContext attention = model.CreateAttention(batch.Tables!.Rows, batch.Tables.Length, lengths: tensors.Lengths);
        ObjectiveInputs inputs = trainer.Forward(rows_RMD, tensor(batch.Boundary, device: model.Device), tensors, attention, batch.Tables);
        objectives.Select(o => o.Compute(inputs).Mean()).Aggregate((a, b) => a + b).backward();
    }

    private sealed class RemovedFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("alm-bench-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
