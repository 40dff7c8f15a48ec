using System.Net.Http.Headers;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Http.Resilience;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Teacher.Server;
using Polly;

namespace Pipeline.Host.Hosting;

/// <summary>
/// Connections to servers that score: a request refused for load, failed at the server or cut off in the middle is sent again after a
/// growing wait (or the one the server asks for), within a number of requests a minute. The key comes from the environment and stays here.
/// </summary>
internal sealed class TeacherConnections : ITeacherConnections
{
    /// <summary>The first wait; each is about twice the one before it.</summary>
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

    /// <summary>Reads the whole answer while it may still be asked for again.</summary>
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
