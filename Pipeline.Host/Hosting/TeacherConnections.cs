using System.Net.Http.Headers;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Http.Resilience;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Teacher.Server;
using Polly;

namespace Pipeline.Host.Hosting;

/// <summary>
/// Opens connections to servers that score text. A request that the server refuses because of load, that fails there, or that is cut off is sent again.
/// The waits in between grow, or are those that the server asks for. The requests of a minute can be limited. The server's key is read from an environment
/// variable and never leaves this class, except to the server.
/// </summary>
internal sealed class TeacherConnections : ITeacherConnections
{
    /// <summary>The wait before the first repetition. Each further wait is about twice as long.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(1);

    public TeacherConnection Open(OpenAiTeacherDefinition teacher)
    {
        string? key = Key(teacher);
        var client = new HttpClient(new ResilienceHandler(Pipeline(teacher))
        {
            InnerHandler = new WholeAnswers { InnerHandler = new SocketsHttpHandler { MaxConnectionsPerServer = teacher.InFlight, PooledConnectionLifetime = TimeSpan.FromMinutes(10) } },
        })
        {
            BaseAddress = new Uri(teacher.Url.TrimEnd('/') + "/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (key is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return new TeacherConnection(client, text => key is null ? text : text.Replace(key, "(the key)", StringComparison.Ordinal));
    }

    private static string? Key(OpenAiTeacherDefinition teacher)
    {
        if (teacher.KeyVariable is not { } name)
            return null;
        string? key = Environment.GetEnvironmentVariable(name);
        return !string.IsNullOrWhiteSpace(key) ? key : throw new InputException($"the environment variable {name} is not set; teacher.keyVariable names it as the one that holds the key of {teacher.Url}");
    }

    private ResiliencePipeline<HttpResponseMessage> Pipeline(OpenAiTeacherDefinition teacher)
    {
        var pipeline = new ResiliencePipelineBuilder<HttpResponseMessage>();
        if (teacher.Retries > 0)
        {
            pipeline.AddRetry(new HttpRetryStrategyOptions
            {
                MaxRetryAttempts = teacher.Retries,
                Delay = Delay,
                MaxDelay = TimeSpan.FromMinutes(1),
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldRetryAfterHeader = true,
            });
        }
        if (teacher.RequestsPerMinute is { } rate)
        {
            var limiter = new TokenBucketRateLimiter(new TokenBucketRateLimiterOptions
            {
                TokenLimit = 1,
                TokensPerPeriod = 1,
                ReplenishmentPeriod = TimeSpan.FromMinutes(1.0 / rate),
                QueueLimit = int.MaxValue,
            });
            pipeline.AddRateLimiter(limiter);
        }
        return pipeline.AddTimeout(TimeSpan.FromSeconds(teacher.TimeoutSeconds)).Build();
    }

    /// <summary>Reads the whole answer inside the retries, so that an answer that breaks off is asked for again.</summary>
    private sealed class WholeAnswers : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            HttpResponseMessage response = await base.SendAsync(request, cancellationToken);
            try
            {
                await response.Content.LoadIntoBufferAsync(cancellationToken);
                return response;
            }
            catch
            {
                response.Dispose();
                throw;
            }
        }
    }
}
