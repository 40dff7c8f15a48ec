using System.Collections.Concurrent;

using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Tests.Alignment;

/// <summary>A folder with two toy tokenizers, and the context of a stage of a run that uses them. Counts are kept.</summary>
internal sealed class ToyRun : IDisposable, IStageMeter, IRejects, IServiceProvider
{
    private readonly TokenizerStore _store = new(new DiskStorage());

    public ToyRun(string? teacherTemplate = null, string? studentTemplate = null)
    {
        Folder = Path.Combine(Path.GetTempPath(), "alm-toy-" + Path.GetRandomFileName());
        Teacher = ToyTokenizer.ByteLevel(Path.Combine(Folder, "teacher"), 120, "<|begin|>", "<|end|>",
            ["<|begin|>", "<|end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], teacherTemplate);
        Student = ToyTokenizer.SentencePiece(Path.Combine(Folder, "student"), 60, "<s>", "</s>",
            ["<s>", "</s>", "<|im_start|>", "<|im_end|>"], studentTemplate);
    }

    public string Folder { get; }

    public string Teacher { get; }

    public string Student { get; }

    public ConcurrentDictionary<string, long> Counts { get; } = new();

    public StageContext Context(string? studentTokenizer = null) => Context(new RunDefinition
    {
        Name = "toy",
        Teacher = new TeacherDefinition { Model = Teacher },
        Student = new StudentDefinition { Model = Teacher, Tokenizer = studentTokenizer ?? Student },
        Flows = [],
    });

    public StageContext Context(RunDefinition definition)
        => new(definition, new FlowFacts(), "tokenize", Folder, new DiskStorage(), this, this, this, null);

    public void Count(string name, long amount) => Counts.AddOrUpdate(name, amount, (_, sum) => sum + amount);

    public void Scalar(string name, long step, double value)
    {
    }

    public void Progress(long done, long total)
    {
    }

    public void Say(string message)
    {
    }

    public void Reject(DocumentId id, string reason, string message) => Count("rejected: " + reason, 1);

    public object? GetService(Type serviceType) => serviceType == typeof(TokenizerStore) ? _store : null;

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
