using System.Globalization;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages;
using Pipeline.Stages.Text;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Commands;

/// <summary>Makes stages that a command runs without a definition or a run. Their remarks are printed and their rejects counted; metrics are dropped.</summary>
/// <param name="environment">The storage that stages use.</param>
/// <param name="folder">The folder that stages get as their run folder.</param>
/// <param name="remarks">Gets the remarks of stages.</param>
internal sealed class CommandStages(CommandEnvironment environment, string folder, TextWriter remarks) : IStageMeter, IRejects, IServiceProvider
{
    private readonly Dictionary<Type, object> _services = new()
    {
        [typeof(InputCatalog)] = new InputCatalog(environment.Storage),
        [typeof(TokenizerStore)] = new TokenizerStore(environment.Storage),
    };

    private readonly SortedDictionary<string, (long Count, string First)> _rejects = new(StringComparer.Ordinal);

    /// <summary>Adds a service for stages. It is not disposed of here.</summary>
    public void Provide<T>(T service) where T : class => _services[typeof(T)] = service;

    /// <summary>Makes a stage, given its name in the table of stages and its options.</summary>
    public object Create(string stage, object options) => StageTable.All.First(r => r.Name == stage).Create(options, new StageContext(
        new RunDefinition { Name = stage, Flows = [] },
        new FlowFacts(),
        stage,
        folder,
        environment.Storage,
        this,
        this,
        this,
        null));

    /// <summary>Prints one line for each reason that records were rejected for.</summary>
    public void PrintRejects(TextWriter output)
    {
        foreach ((string reason, (long count, string first)) in _rejects)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} rejected: {reason}; the first: {first}"));
    }

    public void Reject(DocumentId id, string reason, string message)
        => _rejects[reason] = _rejects.TryGetValue(reason, out (long Count, string First) known) ? (known.Count + 1, known.First) : (1, message);

    public void Say(string message) => remarks.WriteLine(message);

    public object? GetService(Type serviceType) => _services.GetValueOrDefault(serviceType);

    public void Count(string name, long amount)
    {
    }

    public void Scalar(string name, long step, double value)
    {
    }

    public void Progress(long done, long total)
    {
    }
}
