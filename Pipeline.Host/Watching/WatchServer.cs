using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Pipeline.Contracts.Errors;
using Pipeline.Host.Serving;

namespace Pipeline.Host.Watching;

/// <summary>The HTTP side of <c>alm watch</c>: a page, and the data that it asks for again and again. Listens only on the loopback address.</summary>
internal sealed class WatchServer : IAsyncDisposable
{
    private const int MostConnections = 100;

    private readonly WebApplication _app;
    private readonly int _port;

    /// <summary>Makes a server, which does not listen yet.</summary>
    /// <exception cref="InputException">There is no such run.</exception>
    public WatchServer(WatchedRun run, int port)
    {
        _port = port;
        byte[] page = Encoding.UTF8.GetBytes(WatchPage.Of(run.Read()));
        _app = WebHosting.Build(IPAddress.Loopback, port, TimeSpan.FromSeconds(2), limits =>
        {
            limits.MaxRequestBodySize = 0;
            limits.MaxConcurrentConnections = MostConnections;
        });
        _app.Use(GuardAsync);
        _app.UseRouting();
        _app.MapGet("/", http => AnswerAsync(http, StatusCodes.Status200OK, "text/html", page));
        _app.MapGet("/status.json", http => StatusAsync(http, run));
        _app.MapFallback(http => AnswerAsync(http, StatusCodes.Status404NotFound, "text/plain", "there is only / and /status.json\n"u8.ToArray()));
    }

    /// <summary>The address that the server listens on. Known once it has started.</summary>
    public Uri Url => new(_app.Urls.First());

    /// <summary>Starts to listen.</summary>
    /// <exception cref="InputException">The port cannot be used.</exception>
    public Task StartAsync(CancellationToken cancellationToken) => WebHosting.StartAsync(_app, IPAddress.Loopback, _port, cancellationToken);

    public Task StopAsync() => _app.StopAsync(CancellationToken.None);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    // Some site may let its own name resolve to this machine. Its pages must not be able to read the run's data.
    private static Task GuardAsync(HttpContext http, RequestDelegate next)
    {
        if (http.Request.Host.Host is not ("127.0.0.1" or "localhost"))
            return AnswerAsync(http, StatusCodes.Status403Forbidden, "text/plain", "ask 127.0.0.1 or localhost\n"u8.ToArray());
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        http.Response.Headers.ContentSecurityPolicy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'";
        return next(http);
    }

    private static Task StatusAsync(HttpContext http, WatchedRun run)
    {
        try
        {
            return AnswerAsync(http, StatusCodes.Status200OK, "application/json", JsonSerializer.SerializeToUtf8Bytes(WatchView.Of(run.Read()), WatchView.Layout));
        }
        catch (AlmException e)
        {
            // The folder may be gone, or a file damaged. The page shows the message, and asks again.
            return AnswerAsync(http, StatusCodes.Status500InternalServerError, "text/plain", Encoding.UTF8.GetBytes(e.Message));
        }
    }

    private static async Task AnswerAsync(HttpContext http, int status, string type, byte[] body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = type + "; charset=utf-8";
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }
}
