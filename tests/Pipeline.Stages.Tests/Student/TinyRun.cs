using System.Collections.Concurrent;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Imports;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Student;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Tests.Alignment;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Student;

/// <summary>A run folder with a tiny teacher, the services of a host, and the flows of a definition run stage by stage.</summary>
internal sealed class TinyRun : IDisposable, IStageMeter, IRejects, IServiceProvider
{
    public const string Llama = """
        {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 40, "num_attention_heads": 4, "num_key_value_heads": 2,
         "vocab_size": 384, "rms_norm_eps": 1e-5, "initializer_range": 0.2, "max_position_embeddings": 512, "tie_word_embeddings": true}
        """;

    private static readonly string[] Sentences =
        ["Anna has 12 apples.", "How many apples does she have now?", "She has 12 + 30 = 42 apples.", "The train leaves at 9:45.", "naïve café, 東京!", "The answer is 42.\n"];

    private readonly Dictionary<Type, object> _services = [];

    public TinyRun(string? teacherTemplate = null, IReadOnlyList<TeacherRegistration>? backends = null)
    {
        Folder = Directory.CreateTempSubdirectory("alm-student-").FullName;
        Device = TestDevice.Create();
        _services[typeof(TorchDevice)] = Device;
        _services[typeof(TeacherDevice)] = new TeacherDevice(Device, isOwn: false);
        _services[typeof(IRanks)] = OneRank.Instance;
        _services[typeof(TokenizerStore)] = new TokenizerStore(Storage);
        _services[typeof(TeacherStore)] = Teachers = new TeacherStore(backends ?? TeacherTable.All);
        Teacher = ToyTokenizer.ByteLevel(
            Path.Combine(Folder, "teacher"), 60, "<|begin|>", "<|end|>", ["<|begin|>", "<|end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], teacherTemplate);
        SaveModel(Teacher, Llama, seed: 3);
    }

    /// <summary>Another service in the place of the one there is.</summary>
    public void Provide<T>(T service)
        where T : class => _services[typeof(T)] = service;

    public string Folder { get; }

    public string Teacher { get; }

    public DiskStorage Storage { get; } = new();

    public TorchDevice Device { get; }

    public TeacherStore Teachers { get; }

    public ConcurrentDictionary<string, long> Counts { get; } = new();

    public List<string> Said { get; } = [];

    public List<(DocumentId Id, string Reason)> Rejected { get; } = [];

    public List<(string Name, long Step, double Value)> Scalars { get; } = [];

    public Action<long> OnProgress { get; set; } = static _ => { };

    public string this[string name] => Path.Combine(Folder, name);

    public RunDefinition Definition(string? tokenizer = "bytes", bool inputExpansion = false, string? model = null) => new()
    {
        Name = "tiny",
        Teacher = new TeacherDefinition { Model = Teacher },
        Student = new StudentDefinition { Model = model ?? Teacher, Tokenizer = tokenizer, InputExpansion = inputExpansion },
        Flows = [],
    };

    public static TextDocument[] Documents(int count)
        => [.. Enumerable.Range(0, count).Select(i => new TextDocument(
            new DocumentId(7, i, 0), string.Join(' ', Enumerable.Range(0, 1 + (i * 5 % 4)).Select(k => Sentences[(i + k * 3) % Sentences.Length]))))];

    public void SaveModel(string folder, string config, int seed)
    {
        using CausalLm model = CausalLm.Create(ModelConfig.Parse(config, folder), seed, CPU, ScalarType.Float32);
        model.Save(folder, Storage, ScalarType.Float32);
    }

    public StageContext Context(RunDefinition definition, Partition? partition = null, params object[] stages)
        => new(
            definition, Made.Facts(stages),
            "stage", Folder, Storage, this, this, this, partition);

    public async Task<List<Example>> ScoreAsync(RunDefinition definition, TextDocument[] documents, ScoreTeacherOptions? options = null, TokenizeOptions? limits = null)
    {
        StageContext context = Context(definition);
        return await Made.ScoreTeacher(options ?? new(), context).RunAsync(Aligned(documents, limits, context), default).ToListAsync();
    }

    /// <summary>tokenize, score-teacher, write-shards.</summary>
    public async Task WriteShardsAsync(RunDefinition definition, string to, TextDocument[] documents, int count = 2, ScoreTeacherOptions? options = null)
    {
        for (int k = 0; k < count; k++)
        {
            StageContext context = Context(definition, new Partition(k, count));
            var tokenize = Made.Tokenize(new(), context);
            var score = Made.ScoreTeacher(options ?? new(), context);
            TextDocument[] part = [.. documents.Skip(k * documents.Length / count).Take(((k + 1) * documents.Length / count) - (k * documents.Length / count))];
            await Write(to, count, score.RunAsync(part.SelectMany(tokenize.Map).ToAsyncEnumerable(), default), context, tokenize, score);
        }
    }

    /// <summary>import-scores, write-shards.</summary>
    public async Task ImportAsync(RunDefinition definition, string to, ImportScoresOptions options, int count = 2)
    {
        for (int k = 0; k < count; k++)
        {
            StageContext context = Context(definition, new Partition(k, count), options);
            var read = Made.ImportScores(options, context);
            await Write(to, count, read.ReadAsync(default), context, read);
        }
    }

    /// <summary>read-shards, realign, write-shards.</summary>
    public async Task RealignAsync(RunDefinition definition, string from, string to, int count = 2, RealignOptions? options = null)
    {
        options ??= new();
        for (int k = 0; k < count; k++)
        {
            var reading = new ReadShardsOptions { From = [$"run:{from}"] };
            StageContext context = Context(definition, new Partition(k, count), reading, options);
            var read = Made.ReadShards(reading, context);
            var realign = Made.Realign(options, context);
            await Write(to, count, read.ReadAsync(default).SelectMany(e => realign.Map(e).ToAsyncEnumerable()), context, read, realign);
        }
    }

    /// <summary>read-shards, batch, update-student, from the newest checkpoint on.</summary>
    public async Task TrainAsync(RunDefinition definition, string from, UpdateStudentOptions options, int batchTokens = 600, IRanks? ranks = null, CancellationToken stop = default)
    {
        // Ranks wait for one another on their devices' threads.
        using TorchDevice? own = ranks is null ? null : TestDevice.Create();
        var reading = new ReadShardsOptions { From = [$"run:{from}"], Epochs = 0 };
        StageContext context = Context(definition, null, reading, options) with { StopRequested = stop, Services = own is null ? this : new RankServices(this, own, ranks!) };
        var update = Made.UpdateStudent(options, context);
        context = context with { Resume = update.ResumeAt };
        var read = Made.ReadShards(reading, context);
        var batch = Made.Batch(new BatchOptions { Tokens = batchTokens, Window = 8 }, context);
        await update.RunAsync(batch.RunAsync(read.ReadAsync(default), default), default);
    }

    /// <summary>The services of one of several ranks.</summary>
    internal sealed class RankServices(IServiceProvider others, TorchDevice device, IRanks ranks) : IServiceProvider
    {
        public object? GetService(Type serviceType)
            => serviceType == typeof(TorchDevice) ? device : serviceType == typeof(IRanks) ? ranks : others.GetService(serviceType);
    }

    public LanguageModel CreateStudent(RunDefinition definition) => StudentFactory.Create(RunSite.Of(Context(definition)), Device);

    public void Count(string name, long amount) => Counts.AddOrUpdate(name, amount, (_, sum) => sum + amount);

    public void Scalar(string name, long step, double value) => Scalars.Add((name, step, value));

    public void Progress(long done, long total) => OnProgress(done);

    public void Say(string message) => Said.Add(message);

    public void Reject(DocumentId id, string reason, string message) => Rejected.Add((id, reason));

    public object? GetService(Type serviceType) => _services.GetValueOrDefault(serviceType);

    public void Dispose()
    {
        Teachers.Dispose();
        Device.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private static IAsyncEnumerable<AlignedPair> Aligned(TextDocument[] documents, TokenizeOptions? limits, StageContext context)
    {
        var tokenize = Made.Tokenize(limits ?? new(), context);
        return documents.SelectMany(tokenize.Map).ToAsyncEnumerable();
    }

    private static async Task Write(string to, int count, IAsyncEnumerable<Example> examples, StageContext context, params object[] stages)
    {
        using var sink = Made.WriteShards(new WriteShardsOptions { To = to, Count = count, BlockRecords = 4 }, context with
        {
            Fingerprint = () => stages.OfType<IFingerprinted>().SelectMany(s => s.Fingerprint).ToDictionary(),
        });
        await sink.RunAsync(examples, default);
        sink.Commit();
    }
}
