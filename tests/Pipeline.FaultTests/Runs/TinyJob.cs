using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tests.Shards;

namespace Pipeline.FaultTests.Runs;

/// <summary>
/// The main job in small: a corpus, a teacher that the program itself trained, and definitions that score it into shards and train a
/// student of bytes. The expected hashes come from a run of the real program in a folder of its own that nobody disturbs.
/// </summary>
public sealed class TinyJob : IDisposable
{
    public const int Shards = 4;
    public const int Steps = 12;
    public const int CheckpointEvery = 3;
    public const int Documents = 64;

    // As for the tests of models: ALM_TEST_DEVICE=cuda runs the jobs on a card.
    private static readonly string Device = Environment.GetEnvironmentVariable("ALM_TEST_DEVICE") ?? "cpu";
    private readonly TemporaryFolder _folder = new();
    private readonly Lazy<SortedDictionary<string, string>> _expected;
    private int _last;

    public TinyJob()
    {
        Corpus = WriteCorpus("corpus.jsonl", Documents);
        File.WriteAllText(_folder["config.json"], """
            { "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
              "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8, "hidden_act": "silu", "initializer_range": 0.02,
              "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "attention_bias": false, "mlp_bias": false,
              "tie_word_embeddings": true, "vocab_size": 300, "torch_dtype": "float32" }
            """);
        string prepare = Write("prepare.json", $$"""
            { "name": "prepare", "seed": 3, "threads": 1, "device": "{{Device}}",
              "student": { "config": {{Quote(_folder["config.json"])}}, "tokenizer": "run:tokenizer" },
              "flows": [
                { "name": "vocabulary", "stages": [
                  { "stage": "read-jsonl", "files": [{{Quote(Corpus)}}] },
                  { "stage": "train-tokenizer", "to": "tokenizer", "vocabularySize": 300, "bos": "<|begin|>", "eos": "<|end|>" } ] },
                { "name": "prepare", "stages": [
                  { "stage": "read-jsonl", "files": [{{Quote(Corpus)}}] },
                  { "stage": "tokenize-student", "maxStudentTokens": 64 },
                  { "stage": "write-shards", "to": "shards", "count": 1 } ] },
                { "name": "pretrain", "stages": [
                  { "stage": "read-shards", "from": ["run:shards"], "epochs": 0 },
                  { "stage": "batch", "tokens": 512 },
                  { "stage": "update-student", "to": "teacher", "objectives": { "sft": {} }, "steps": 6, "learningRate": 1e-2 } ] } ] }
            """);
        using AlmChild child = AlmChild.Run("run", prepare, "--run", _folder["prepare"], "--plain");
        AlmEnd end = child.End();
        Assert.True(end.Code == 0, end.ToString());
        Teacher = _folder["prepare/teacher"];
        Definition = Write("job.json", Text());
        _expected = new Lazy<SortedDictionary<string, string>>(() => Clean(Definition));
    }

    public string Corpus { get; }

    /// <summary>A Hugging Face folder.</summary>
    public string Teacher { get; }

    /// <summary>The file of the job that is disturbed.</summary>
    public string Definition { get; }

    /// <summary>Path and hash of every file that matters, of the run that nobody disturbed.</summary>
    public SortedDictionary<string, string> Expected => _expected.Value;

    public void Dispose() => _folder.Dispose();

    /// <summary>A folder no other test has.</summary>
    public string NewFolder(string what) => _folder[string.Create(CultureInfo.InvariantCulture, $"{what}-{Interlocked.Increment(ref _last)}")];

    public string Write(string name, string content)
    {
        File.WriteAllText(_folder[name], content);
        return _folder[name];
    }

    /// <summary>The job's definition, with what a test wants to be different.</summary>
    public string Text(
        string? corpus = null, string? teacher = null, int steps = Steps, string learningRate = "1e-3", int batchTokens = 512, int scoreWindow = 16, int scoreBatch = 512, int batchWindow = 16, int checkpointEvery = CheckpointEvery,
        bool score = true, bool distill = true, int shards = Shards, int maxDocumentBytes = 4096, int blockRecords = 4,
        string afterReading = "", int maxFailedRecords = 0)
    {
        string scoring = $$"""
            { "name": "score", "stages": [
              { "stage": "read-jsonl", "files": [{{Quote(corpus ?? Corpus)}}], "maxDocumentBytes": {{maxDocumentBytes}} },
              {{afterReading}}
              { "stage": "tokenize", "maxTeacherTokens": 64, "maxStudentTokens": 256 },
              { "stage": "align" },
              { "stage": "score-teacher", "batchTokens": {{scoreBatch}}, "window": {{scoreWindow}} },
              { "stage": "write-shards", "to": "shards", "count": {{shards}}, "blockRecords": {{blockRecords}} } ] }
            """;
        string distilling = $$"""
            { "name": "distill", "stages": [
              { "stage": "read-shards", "from": ["run:shards"], "epochs": 0, "shuffleBlocks": 2 },
              { "stage": "batch", "tokens": {{batchTokens}}, "window": {{batchWindow}} },
              { "stage": "update-student", "to": "student", "objectives": { "alm": {}, "sft": {} }, "steps": {{steps}}, "learningRate": {{learningRate}},
                "checkpointEvery": {{checkpointEvery}} } ] }
            """;
        return $$"""
            { "name": "tiny", "seed": 5, "threads": 1, "device": "{{Device}}", "maxFailedRecords": {{maxFailedRecords}},
              "teacher": { "model": {{Quote(teacher ?? Teacher)}} },
              "student": { "model": {{Quote(teacher ?? Teacher)}}, "tokenizer": "bytes", "embeddings": "fvt" },
              "flows": [ {{string.Join(",\n", new[] { score ? scoring : "", distill ? distilling : "" }.Where(f => f.Length > 0))}} ] }
            """;
    }

    /// <summary>The job with a hypernetwork in place of its student.</summary>
    public string Hypernetwork(int steps = 8, int checkpointEvery = 2)
    {
        string text = Text(checkpointEvery: checkpointEvery);
        int from = text.IndexOf("{ \"stage\": \"update-student\"", StringComparison.Ordinal), to = text.IndexOf(" } ] }", from, StringComparison.Ordinal);
        return text[..from] + $$"""
            { "stage": "train-hypernetwork", "to": "hypernetwork", "from": ["run:shards"], "steps": {{steps}}, "learningRate": 1e-3, "checkpointEvery": {{checkpointEvery}}, "vocabularyRows": 300,
              "network": { "layers": 1, "hiddenSize": 32, "maxPieces": 4 },
              "sampling": { "documents": 8, "minSize": 400, "maxSize": 500, "bpe": 0.2, "bytes": 0.2 }
            """ + text[to..];
    }

    /// <summary>The job with next bytes in its shards, and a student that learns them beside the text.</summary>
    public string NextBytes(string view, string? text = null) => (text ?? Text())
        .Replace("{ \"stage\": \"score-teacher\",", $"{{ \"stage\": \"score-teacher\", \"bytes\": \"{view}\",", StringComparison.Ordinal)
        .Replace("\"objectives\": { \"alm\": {}, \"sft\": {} }", "\"objectives\": { \"bytes\": {}, \"sft\": {} }", StringComparison.Ordinal);

    /// <summary>The job with scores from a file in place of a teacher.</summary>
    public string Imported(string scores)
    {
        string text = Text();
        int flow = text.IndexOf("{ \"stage\": \"read-jsonl\"", StringComparison.Ordinal), shards = text.IndexOf("{ \"stage\": \"write-shards\"", StringComparison.Ordinal);
        text = text[..flow] + $$"""
            { "stage": "import-scores", "files": [{{Quote(scores)}}], "ids": "ids", "tokenizer": {{Quote(Teacher)}}, "boundary": "logBoundaryMasses",
              "maxTeacherTokens": 64, "maxStudentTokens": 256 },
            """ + text[shards..];
        return text.Replace($"\"teacher\": {{ \"model\": {Quote(Teacher)} }},", "", StringComparison.Ordinal);
    }

    /// <summary>Word problems of a sort, the same for the same number.</summary>
    public string WriteCorpus(string name, int documents)
    {
        string[] names = ["Ada", "Ben", "Cleo", "Dmitri", "Edda"], things = ["apples", "books", "coins", "marbles"], verbs = ["has", "finds", "buys", "counts"];
        var random = new Random(documents);
        var text = new StringBuilder();
        for (int i = 0; i < documents; i++)
        {
            int a = random.Next(2, 99), b = random.Next(2, 99);
            string problem = string.Create(CultureInfo.InvariantCulture,
                $"{names[random.Next(5)]} {verbs[random.Next(4)]} {a} {things[random.Next(4)]} and then {b} more. Together that is {a + b}.");
            text.Append(JsonSerializer.Serialize(new { text = problem })).Append('\n');
        }
        return Write(name, text.ToString());
    }

    /// <summary>Runs the real program to its end in a folder of its own.</summary>
    public SortedDictionary<string, string> Clean(string definition)
    {
        string folder = NewFolder("clean");
        using AlmChild child = AlmChild.Run(Arguments(definition, folder));
        AlmEnd end = child.End();
        Assert.True(end.Code == ExitCodes.Success, end.ToString());
        return Results(folder);
    }

    public static string[] Arguments(string definition, string folder, params string[] more) => ["run", definition, "--run", folder, "--plain", .. more];

    /// <summary>Path and hash of every shard, checkpoint and exported file; the rest of a run folder holds times.</summary>
    public static SortedDictionary<string, string> Results(string folder)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string part in new[] { "shards", "checkpoints", "student", "student-initial" }.Select(p => Path.Combine(folder, p)).Where(Directory.Exists))
        {
            foreach (string path in Directory.GetFiles(part, "*", SearchOption.AllDirectories))
                files[Path.GetRelativePath(folder, path)] = Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));
        }
        return files;
    }

    public static string[] StagingFiles(string folder)
        => [.. Directory.GetFileSystemEntries(folder, "*", SearchOption.AllDirectories).Where(Staging.IsStaging)];

    /// <summary>The run is as if nobody had disturbed it.</summary>
    public static void AssertSame(SortedDictionary<string, string> expected, string folder, string after)
    {
        SortedDictionary<string, string> found = Results(folder);
        Assert.True(
            expected.SequenceEqual(found),
            $"after {after} these differ: {string.Join(", ", expected.Except(found).Concat(found.Except(expected)).Select(f => f.Key).Distinct())}");
        Assert.Empty(StagingFiles(folder));
    }

    /// <summary>Steps in the order in which they were computed, repeated ones included.</summary>
    public static long[] StepsComputed(string folder)
        => [.. Metrics(folder).Where(line => line.GetProperty("stage").GetString() == "update-student").Select(line => line.GetProperty("step").GetInt64())];

    public static string Quote(string text) => JsonSerializer.Serialize(text);

    private static IEnumerable<JsonElement> Metrics(string folder)
    {
        string path = Path.Combine(folder, "metrics.jsonl");
        if (!File.Exists(path))
            yield break;
        foreach (string line in File.ReadAllLines(path))
        {
            JsonElement element;
            try
            {
                element = JsonDocument.Parse(line).RootElement;
            }
            catch (JsonException)
            {
                // A line that a kill cut.
                continue;
            }
            yield return element;
        }
    }
}

/// <summary>The tests that share one job, one after another: each of them wants the machine for itself.</summary>
[CollectionDefinition(Name)]
public sealed class TinyJobTests : ICollectionFixture<TinyJob>
{
    public const string Name = "whole runs";
}
