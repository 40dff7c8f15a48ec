using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Serving;

/// <summary>Makes a web application that listens on one address. Unlike the default, it handles no signals, writes no log and reads no settings.</summary>
internal static class WebHosting
{
    /// <summary>Makes an application, which does not listen yet.</summary>
    /// <param name="address">The address to listen on.</param>
    /// <param name="port">The port to listen on. 0 takes a free one.</param>
    /// <param name="drain">How long requests in progress may go on when the server stops.</param>
    /// <param name="limit">Sets the limits of connections and bodies.</param>
    public static WebApplication Build(IPAddress address, int port, TimeSpan drain, Action<KestrelServerLimits> limit)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        // The command handles signals.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = drain);
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            limit(kestrel.Limits);
            kestrel.Listen(address, port);
        });
        return builder.Build();
    }

    /// <summary>Starts to listen.</summary>
    /// <exception cref="InputException">The address or port cannot be used.</exception>
    public static async Task StartAsync(WebApplication app, IPAddress address, int port, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            throw new InputException($"cannot listen on {address}, port {port}: {e.Message}; give another --port, or 0 for a free one", e);
        }
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
