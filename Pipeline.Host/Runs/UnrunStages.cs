using Microsoft.Extensions.DependencyInjection;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Graph;
using Pipeline.Host.Hosting;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Runs;

/// <summary>The surroundings of stages that are made only to be asked something, and never run. Nothing that they log is kept.</summary>
internal sealed class UnrunStages : IDisposable
{
    private readonly ServiceProvider _services;

    public UnrunStages(RunDefinition run, string folder, StageCatalog catalog, IStorage storage, TimeProvider time)
    {
        _services = new ServiceCollection().AddAlm(storage, time, new RunSettings { Folder = folder }, run, catalog).BuildServiceProvider();
        Surroundings = new StageSurroundings(run, folder, storage, _services, time, catalog, NoScalars.Instance, NoRejects.Instance, static (_, _, _) => { });
    }

    public StageSurroundings Surroundings { get; }

    public void Dispose() => _services.Dispose();
}
