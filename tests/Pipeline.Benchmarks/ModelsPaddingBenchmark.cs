using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Student;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tests;
using Pipeline.Stages.Text;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Benchmarks;

/// <summary>
/// What share of the positions that models compute is padding, with every option at its default: <c>FILE.parquet ... [--column NAME]
/// [--teacher DIR] [--student DIR|bytes] [--parts N]</c>. Scoring: windows of each part in the input's order. Training: batches of the
/// shuffled examples of one epoch.
/// </summary>
internal static class ModelsPaddingBenchmark
{
    public static async Task<int> Run(string[] arguments)
    {
        string Option(string name, string absent) => Array.IndexOf(arguments, name) is >= 0 and int at ? arguments[at + 1] : absent;
        string teacher = Path.GetFullPath(Option("--teacher", "data/models/tiny-llama")), student = Option("--student", TextTokenizer.BytesPath);
        int parts = ModelBenchmark.Number(Option("--parts", "8"));
        var definition = new RunDefinition
        {
            Name = "padding",
            Teacher = new TeacherDefinition { Model = teacher },
            Student = new StudentDefinition { Model = teacher, Tokenizer = student == TextTokenizer.BytesPath ? student : Path.GetFullPath(student) },
            Flows = [],
        };
        foreach (string file in arguments.TakeWhile(argument => !argument.StartsWith('-')))
        {
            List<AlignedPair> pairs = [];
            var scored = new Counts();
            for (int part = 0; part < parts; part++)
            {
                StageContext context = Context(definition, new Partition(part, parts), new Counts());
                var tokenize = Made.Tokenize(new(), context);
                List<AlignedPair> some = [];
                await foreach (TextDocument document in Made.ReadParquet(new ReadParquetOptions { Files = [Path.GetFullPath(file)], Column = Option("--column", "text") }, context).ReadAsync(default))
                    some.AddRange(tokenize.Map(document));
                pairs.AddRange(some);
                Scoring(some, scored);
            }

            Console.WriteLine($"{Path.GetFileName(file)}: {pairs.Count} documents of {parts} parts");
            Report($"scoring, batches of {new ScoreTeacherOptions().BatchTokens}, windows of {new ScoreTeacherOptions().Window}", scored);
            await Training(definition, pairs);
        }

        return 0;
    }

    private static void Scoring(List<AlignedPair> part, Counts counts)
    {
        var options = new ScoreTeacherOptions();
        foreach (AlignedPair[] window in part.Chunk(options.Window))
        {
            int[] lengths = [.. window.Select(pair => pair.Teacher.Count)];
            foreach (int[] batch in LengthBatches.Plan(lengths, options.BatchTokens))
            {
                long tokens = batch.Sum(i => (long)lengths[i]);
                counts.Count("tokens", tokens);
                counts.Count("paddingTokens", LengthBatches.PaddedTokens(lengths, batch) - tokens);
                counts.Count("batches", 1);
            }
        }
    }

    private static async Task Training(RunDefinition definition, List<AlignedPair> pairs)
    {
        var counts = new Counts();
        int block = new WriteShardsOptions { To = "shards" }.BlockRecords;
        int[] blocks = [.. Enumerable.Range(0, (pairs.Count + block - 1) / block).Select(i => Math.Min(block, pairs.Count - i * block))];
        var order = new ExampleOrder(blocks, definition.Seed, new ReadShardsOptions { From = [] }.ShuffleBlocks);
        List<OrderedExample> examples = [];
        int index = 0;
        foreach (ArraySegment<int> group in order.Groups(0))
        {
            AlignedPair[] together = [.. group.SelectMany(b => pairs.GetRange(b * block, blocks[b]))];
            foreach (int i in order.Within(0, index++, together.Length))
                examples.Add(new OrderedExample(examples.Count, new Example(together[i].Id, together[i].Text, together[i].Student, null, [])));
        }

        var options = new BatchOptions();
        await foreach (StudentBatch batch in Made.Batch(options, Context(definition, null, counts)).RunAsync(examples.ToAsyncEnumerable(), default))
            counts.Count("batches", 1);
        Report($"training, batches of {options.Tokens}, windows of {options.Window}", counts);
    }

    private static void Report(string what, Counts counts)
    {
        (long tokens, long padding) = (counts["tokens"], counts["paddingTokens"]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {what}: {tokens} tokens, {padding} padding = {(double)padding / (tokens + padding):P1} of positions, {counts["batches"]} batches"));
    }

    private static StageContext Context(RunDefinition definition, Partition? partition, Counts counts)
        => new(definition, new FlowFacts(), "benchmark", Path.GetTempPath(), new DiskStorage(), counts, counts, counts, partition);

    private sealed class Counts : IStageMeter, IRejects, IServiceProvider
    {
        private readonly Dictionary<string, long> _counts = [];
        private readonly object[] _services = [new TokenizerStore(new DiskStorage()), new InputCatalog(new DiskStorage())];

        public long this[string name] => _counts.GetValueOrDefault(name);

        public void Count(string name, long amount) => _counts[name] = this[name] + amount;

        public void Scalar(string name, long step, double value)
        {
        }

        public void Progress(long done, long total)
        {
        }

        public void Say(string message)
        {
        }

        public void Reject(DocumentId id, string reason, string message) => Console.WriteLine($"  rejected: {reason}");

        public object? GetService(Type serviceType) => _services.FirstOrDefault(serviceType.IsInstanceOfType);
    }
}
