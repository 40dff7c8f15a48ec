using System.Text;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.FaultTests.Formats;
using Pipeline.Stages.Imports;
using Pipeline.Stages.Tests;
using Pipeline.Stages.Tests.Text;
using Pipeline.Stages.Text;
using Pipeline.Stages.Tokenization;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>Scores that were made elsewhere, as lines and as columns: what is kept of them is always whole and finite.</summary>
internal sealed class ScoresTarget : FuzzTarget
{
    private const string Rows = """
        SELECT 'word ' || (i % 30) AS text, ['word'::BLOB, ' '::BLOB, ((i % 30)::VARCHAR)::BLOB] AS bytes, [1, 2, i]::INTEGER[] AS ids,
        [NULL, -0.5, -i / 7.0]::FLOAT[] AS scores, [-1.5, -0.25, -3]::DOUBLE[] AS mass FROM range(200) t(i)
        """;

    private readonly StageHarness _run = new();
    private readonly List<byte[]> _columns = [];
    private readonly byte[] _lines = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 40).Select(i =>
        $"{{\"text\": \"word {i}\", \"bytes\": [\"word\", [32], \"{i}\"], \"ids\": [1, 2, {i}], \"scores\": [null, -0.5, -{i}.5e-1], \"mass\": [-1.5, -0.25, -3]}}\n")));

    public ScoresTarget()
    {
        _run.Add(new TokenizerStore(_run.Storage));
        foreach (string options in new[] { "COMPRESSION uncompressed", "COMPRESSION snappy", "COMPRESSION zstd" })
        {
            Duck.Write(Folder["a.parquet"], Rows, options);
            _columns.Add(File.ReadAllBytes(Folder["a.parquet"]));
        }
    }

    public override string Name => "scores";

    // As for Parquet of text.
    public override long MostBytesAllocated => 1L << 30;

    public override int FastTries => 2000;

    public override void Read(int seed)
    {
        var random = new Random(seed);
        var bytes = new ShardMutator([], random);
        bool asLines = random.Next(3) == 0;
        string path = Folder[asLines ? "stranger.jsonl" : "stranger.parquet"];
        File.WriteAllBytes(path, asLines ? bytes.Bytes(_lines) : ParquetTarget.Mutate(_columns[random.Next(_columns.Count)], random, bytes));
        _run.Add(new InputCatalog(_run.Storage));
        var options = new ImportScoresOptions { Files = [path], Bytes = "bytes", Ids = "ids", LogLikelihood = "scores", Boundary = "mass", MaxTeacherTokens = 64 };
        StageContext context = _run.Context();
        context = context with { Definition = context.Definition with { Student = new StudentDefinition { Tokenizer = TextTokenizer.BytesPath } } };
        foreach (Example example in Made.ImportScores(options, context).ReadAsync(default).ToBlockingEnumerable())
        {
            TeacherScores scores = example.Teacher!.Scores;
            if (example.Teacher.Tokens.ByteEnds[^1] != Encoding.UTF8.GetByteCount(example.Text) || !scores.NegLogLikelihood.Concat(scores.NegLogBoundary!).All(n => n is >= 0 and <= 65504))
                throw new InvalidOperationException($"{example.Id} is not whole");
        }
        _run.Rejected.Clear();
    }

    public override void Dispose()
    {
        _run.Dispose();
        base.Dispose();
    }
}
