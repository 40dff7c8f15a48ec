using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Pipeline.Host.Serving;

/// <summary>An answer's frame: whole, or as events of a stream.</summary>
/// <param name="prefix">Of its id.</param>
/// <param name="kind">What OpenAI calls it.</param>
/// <param name="model">Who answers.</param>
/// <param name="promptTokens">Tokens of all prompts.</param>
internal sealed class AnswerWriter(string prefix, string kind, string model, int promptTokens)
{
    private readonly string _id = $"{prefix}-{Guid.NewGuid():N}";
    private readonly long _created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    /// <summary>All choices at once.</summary>
    public Task WriteAsync(HttpContext http, IReadOnlyList<(JsonObject Choice, int Tokens)> choices)
    {
        JsonObject answer = Frame(kind);
        answer["choices"] = new JsonArray([.. choices.Select(c => c.Choice)]);
        answer["usage"] = Usage(choices.Sum(c => c.Tokens));
        return ServerJson.WriteAsync(http, answer);
    }

    /// <summary>Choices as they grow, side by side.</summary>
    /// <param name="http">Gets events.</param>
    /// <param name="request">Whether the tokens are told at the end.</param>
    /// <param name="count">Choices.</param>
    /// <param name="run">Makes one: its number, what takes its parts, and who stops it; gives the tokens it took.</param>
    public async Task StreamAsync(HttpContext http, AnswerRequest request, int count, Func<int, Func<JsonObject, Task>, CancellationToken, Task<int>> run)
    {
        http.Response.ContentType = "text/event-stream; charset=utf-8";
        http.Response.Headers.CacheControl = "no-cache";
        using var turn = new SemaphoreSlim(1);
        async Task WriteAsync(JsonObject choice)
        {
            JsonObject part = Frame(kind);
            part["choices"] = new JsonArray(choice);
            await turn.WaitAsync(http.RequestAborted);
            try
            {
                await EventAsync(http, ServerJson.ToText(part));
            }
            finally
            {
                turn.Release();
            }
        }
        try
        {
            int[] tokens = await Task.WhenAll(Enumerable.Range(0, count).Select(index => run(index, WriteAsync, http.RequestAborted)));
            if (request.HasUsage)
            {
                JsonObject last = Frame(kind);
                last["choices"] = new JsonArray();
                last["usage"] = Usage(tokens.Sum());
                await EventAsync(http, ServerJson.ToText(last));
            }
        }
        catch (Exception e) when (http.Response.HasStarted && e is not OperationCanceledException)
        {
            // The status is gone already: the stream itself says it.
            await EventAsync(http, ServerJson.ToText(ServerJson.Error(e.Message, "server_error", null, null)));
        }
        await EventAsync(http, "[DONE]");
    }

    private static async Task EventAsync(HttpContext http, string data)
    {
        await http.Response.WriteAsync($"data: {data}\n\n", http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }

    private JsonObject Frame(string what) => new() { ["id"] = _id, ["object"] = what, ["created"] = _created, ["model"] = model };

    private JsonObject Usage(int answered) => new() { ["prompt_tokens"] = promptTokens, ["completion_tokens"] = answered, ["total_tokens"] = promptTokens + answered };
}
