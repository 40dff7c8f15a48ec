using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Serving;

/// <summary>
/// The HTTP side of <c>alm serve</c>. It has OpenAI's routes, and those of vLLM for tokenizers. It limits the size of bodies, the time of a request and the
/// number of requests at once, and can require a key.
/// </summary>
internal sealed class AlmServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ServerOptions _options;
    private readonly TextWriter _log;
    private int _underWay;

    /// <summary>Makes a server, which does not listen yet.</summary>
    /// <param name="models">The models to serve. The caller disposes of them, after the server.</param>
    /// <param name="options">Where to listen, and the limits.</param>
    /// <param name="log">Gets failures that are not the fault of who sent the request.</param>
    public AlmServer(ServedModels models, ServerOptions options, TextWriter log)
    {
        (_options, _log) = (options, log);
        _app = WebHosting.Build(options.Address, options.Port, options.Drain, limits =>
        {
            limits.MaxRequestBodySize = options.BodyBytes;
            limits.MaxConcurrentConnections = 4L * options.Requests;
        });
        _app.Use(GuardAsync);
        _app.UseRouting();
        _app.MapGet("/health", http => ServerJson.WriteAsync(http, new System.Text.Json.Nodes.JsonObject { ["status"] = "ok" }));
        _app.MapGet("/v1/models", http => TokenEndpoints.ListAsync(http, models));
        _app.MapGet("/v1/models/{**name}", http => TokenEndpoints.DescribeAsync(http, models, (string)http.Request.RouteValues["name"]!));
        _app.MapPost("/v1/completions", http => CompletionEndpoint.RunAsync(http, models));
        _app.MapPost("/v1/chat/completions", http => ChatEndpoint.RunAsync(http, models));
        _app.MapPost("/tokenize", http => TokenEndpoints.TokenizeAsync(http, models));
        _app.MapPost("/detokenize", http => TokenEndpoints.DetokenizeAsync(http, models));
        _app.MapGet("/tokenizer_info", http => TokenEndpoints.InfoAsync(http, models));
        _app.MapFallback(http => throw new RequestException(StatusCodes.Status404NotFound, $"there is no route {http.Request.Method} {http.Request.Path}"));
    }

    /// <summary>The address that the server listens on. Known once it has started.</summary>
    public Uri Url => new(_app.Urls.First());

    /// <summary>Starts to listen.</summary>
    /// <exception cref="InputException">The address or port cannot be used.</exception>
    public Task StartAsync(CancellationToken cancellationToken) => WebHosting.StartAsync(_app, _options.Address, _options.Port, cancellationToken);

    /// <summary>Accepts no new requests and waits for those in progress. What is not done within <see cref="ServerOptions.Drain"/> is cut off.</summary>
    public Task StopAsync() => _app.StopAsync(CancellationToken.None);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task GuardAsync(HttpContext http, RequestDelegate next)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        timeout.CancelAfter(_options.Timeout);
        CancellationToken clientGone = http.RequestAborted;
        http.RequestAborted = timeout.Token;
        bool isCounted = false;
        try
        {
            CheckKey(http);
            isCounted = Interlocked.Increment(ref _underWay) > 0;
            if (Volatile.Read(ref _underWay) > _options.Requests)
            {
                http.Response.Headers.RetryAfter = "1";
                throw new RequestException(StatusCodes.Status429TooManyRequests, $"{_options.Requests} requests are in progress; try again later", null, "rate_limit_exceeded");
            }
            await next(http);
        }
        catch (OperationCanceledException) when (clientGone.IsCancellationRequested)
        {
            // The client has closed the connection.
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            await TellAsync(http, new RequestException(StatusCodes.Status504GatewayTimeout, string.Create(CultureInfo.InvariantCulture, $"not done after {_options.Timeout.TotalSeconds} seconds"), null, "timeout"));
        }
        catch (RequestException e)
        {
            await TellAsync(http, e);
        }
        catch (BadHttpRequestException e)
        {
            await TellAsync(http, new RequestException(e.StatusCode, e.Message));
        }
        catch (InterruptedException e)
        {
            await TellAsync(http, new RequestException(StatusCodes.Status503ServiceUnavailable, e.Message));
        }
        catch (AlmException e) when (e.ExitCode is ExitCodes.Input or ExitCodes.Definition)
        {
            await TellAsync(http, new RequestException(StatusCodes.Status400BadRequest, e.Message));
        }
        catch (Exception e) when (!clientGone.IsCancellationRequested)
        {
            await _log.WriteLineAsync($"{http.Request.Method} {http.Request.Path}: {e}");
            await TellAsync(http, new RequestException(StatusCodes.Status500InternalServerError, e.Message));
        }
        finally
        {
            if (isCounted)
                Interlocked.Decrement(ref _underWay);
            http.RequestAborted = clientGone;
        }
    }

    private void CheckKey(HttpContext http)
    {
        if (_options.Key is not { } key || http.Request.Path == "/health")
            return;
        const string scheme = "Bearer ";
        string given = http.Request.Headers.Authorization.ToString();
        bool isRight = given.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given[scheme.Length..])), SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        if (!isRight)
            throw new RequestException(StatusCodes.Status401Unauthorized, "the header Authorization: Bearer KEY with this server's key is missing or wrong", null, "invalid_api_key");
    }

    private static async Task TellAsync(HttpContext http, RequestException error)
    {
        if (http.Response.HasStarted)
        {
            http.Abort();
            return;
        }
        // The body is too large, so the rest of it is not waited for.
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true && error.Status == StatusCodes.Status413PayloadTooLarge)
            http.Response.Headers.Connection = "close";
        string type = error.Status switch { 401 => "authentication_error", 429 => "rate_limit_error", >= 500 => "server_error", _ => "invalid_request_error" };
        http.Response.StatusCode = error.Status;
        http.Response.ContentType = "application/json; charset=utf-8";
        await http.Response.WriteAsync(ServerJson.ToText(ServerJson.Error(error.Message, type, error.Parameter, error.Code)), CancellationToken.None);
    }
}
