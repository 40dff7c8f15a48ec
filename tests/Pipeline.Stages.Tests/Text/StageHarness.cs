using System.Collections.Concurrent;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Text;

namespace Pipeline.Stages.Tests.Text;

/// <summary>A run folder, and what a stage reports while it runs there.</summary>
public sealed class StageHarness : IStageMeter, IRejects, IServiceProvider, IDisposable
{
    private readonly Dictionary<Type, object> _services = [];

    public StageHarness()
    {
        Storage = new DiskStorage();
        Folder = Directory.CreateTempSubdirectory("alm-text-").FullName;
        Add(new InputCatalog(Storage));
    }

    public string Folder { get; }

    public IStorage Storage { get; set; }

    public List<(DocumentId Id, string Reason, string Message)> Rejected { get; } = [];

    public List<string> Said { get; } = [];

    public ConcurrentDictionary<string, long> Counts { get; } = new();

    public (long Done, long Total) LastProgress { get; private set; }

    public string PathOf(string name) => Path.Combine(Folder, name);

    public void Add<T>(T service)
        where T : notnull => _services[typeof(T)] = service;

    public StageContext Context(Partition? partition = null, int seed = 17) => new(
        new RunDefinition { Name = "test", Seed = seed, Flows = [] },
        new FlowFacts(),
        "stage",
        Folder,
        Storage,
        this,
        this,
        this,
        partition);

    public static async Task<List<TextDocument>> ReadAsync(ISource<TextDocument> source, CancellationToken cancellationToken = default)
    {
        var documents = new List<TextDocument>();
        await foreach (TextDocument document in source.ReadAsync(cancellationToken))
            documents.Add(document);
        return documents;
    }

    void IStageMeter.Count(string name, long amount) => Counts.AddOrUpdate(name, amount, (_, old) => old + amount);

    void IStageMeter.Scalar(string name, long step, double value)
    {
    }

    void IStageMeter.Progress(long done, long total) => LastProgress = (done, total);

    void IStageMeter.Say(string message) => Said.Add(message);

    void IRejects.Reject(DocumentId id, string reason, string message) => Rejected.Add((id, reason, message));

    object? IServiceProvider.GetService(Type serviceType) => _services.GetValueOrDefault(serviceType);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
