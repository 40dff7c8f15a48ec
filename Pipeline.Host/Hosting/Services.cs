using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Gguf;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Teacher.Gguf;
using Pipeline.Stages.Teacher.Server;
using Pipeline.Stages.Text;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Hosting;

/// <summary>The services that stages find in StageContext.Services. Each is made once, when it is first asked for, and shared by all flows of a run.</summary>
internal static class Services
{
    public static IServiceCollection AddAlm(
        this IServiceCollection services, IStorage storage, TimeProvider time, RunSettings settings, RunDefinition definition, StageCatalog catalog)
    {
        services.AddSingleton(storage);
        services.AddSingleton(time);
        services.AddSingleton(settings);
        services.AddSingleton<InputCatalog>();
        services.AddSingleton<TokenizerStore>();
        services.AddSingleton<ITeacherConnections, TeacherConnections>();
        services.AddSingleton<IGgufWorkers, GgufWorkers>();
        TorchDevice Device(IServiceProvider provider, string? name)
        {
            var device = TorchDevice.Create(name, definition.Device, definition.Threads, settings.LibTorch, settings.Ranks.LocalRank);
            if (TorchLoader.ScalarFault is { } fault)
                provider.GetService<ILogger<TorchDevice>>()?.ScalarsMayBeFreed(fault);
            return device;
        }
        services.AddSingleton(provider => Device(provider, definition.Student?.Device));
        services.AddSingleton(provider => definition.Teacher?.Device is { } name && name != definition.Student?.Device
            ? new TeacherDevice(Device(provider, name), isOwn: true)
            : new TeacherDevice(provider.GetRequiredService<TorchDevice>(), isOwn: false));
        services.AddSingleton(settings.Ranks);
        services.AddSingleton(provider =>
        {
            // Services are disposed of in the reverse order of their making. The store needs the device's thread to release weights, so the device is
            // made first.
            if (definition.Teacher?.Backend == TeacherDefinition.DefaultBackend)
                provider.GetRequiredService<TeacherDevice>();
            return new TeacherStore(catalog.Teachers);
        });
        return services;
    }
}
