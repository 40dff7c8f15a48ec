using Microsoft.Extensions.DependencyInjection;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Runs;

namespace Pipeline.Host.Hosting;

/// <summary>What stages find in StageContext.Services: loaded once and shared by the flows of a run. A new service is one line here.</summary>
internal static class Services
{
    public static IServiceCollection AddAlm(this IServiceCollection services, IStorage storage, TimeProvider time, RunSettings settings)
    {
        services.AddSingleton(storage);
        services.AddSingleton(time);
        services.AddSingleton(settings);
        return services;
    }
}
