using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Hosting;

/// <summary>Builds the host of a run, or of what another process does of one.</summary>
internal static class AlmHost
{
    public static async Task RunAsync<TJob>(
        LoadedDefinition definition,
        DefinitionLoader loader,
        StageCatalog catalog,
        RunSettings settings,
        StopSignals signals,
        IStorage storage,
        TimeProvider time,
        IProgressDisplay display,
        params object[] more)
        where TJob : class, IJob
    {
        // Empty: apart from its definition, nothing in the current folder or the environment configures a run.
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(
            new HostApplicationBuilderSettings { DisableDefaults = true, ApplicationName = "alm" });
        builder.Logging.AddProvider(new DisplayLoggerProvider(display, time));
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Services.AddAlm(storage, time, settings, definition.Definition, catalog);
        builder.Services.AddSingleton(definition);
        builder.Services.AddSingleton(loader);
        builder.Services.AddSingleton(catalog);
        builder.Services.AddSingleton(signals);
        builder.Services.AddSingleton(display);
        foreach (object service in more)
            builder.Services.AddSingleton(service.GetType(), service);
        builder.Services.AddSingleton<IJob, TJob>();
        builder.Services.AddSingleton<RunService>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<RunService>());
        builder.Services.AddSingleton<IHostLifetime, SignalLifetime>();
        using IHost host = builder.Build();
        var run = host.Services.GetRequiredService<RunService>();
        await host.RunAsync();
        await run.Outcome;
    }
}
