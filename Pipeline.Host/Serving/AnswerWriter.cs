using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Pipeline.Host.Serving;

/// <summary>Writes an answer in OpenAI's format, at once or as the events of a stream.</summary>
/// <param name="prefix">What the id of the answer begins with.</param>
/// <param name="kind">OpenAI's name for the kind of answer.</param>
/// <param name="model">The name of the model that answers.</param>
/// <param name="promptTokens">The number of tokens in all prompts.</param>
internal sealed class AnswerWriter(string prefix, string kind, string model, int promptTokens)
{
    private readonly string _id = $"{prefix}-{Guid.NewGuid():N}";
    private readonly long _created = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    /// <summary>Writes all choices at once.</summary>
    public Task WriteAsync(HttpContext http, IReadOnlyList<(JsonObject Choice, int Tokens)> choices)
    {
        JsonObject answer = Frame(kind);
        answer["choices"] = new JsonArray([.. choices.Select(c => c.Choice)]);
        answer["usage"] = Usage(choices.Sum(c => c.Tokens));
        return ServerJson.WriteAsync(http, answer);
    }

    /// <summary>Writes several choices as events while they are generated, all at the same time.</summary>
    /// <param name="http">The request to answer.</param>
    /// <param name="request">Says whether the stream ends with the number of tokens.</param>
    /// <param name="count">The number of choices.</param>
    /// <param name="run">Generates the choice of an index: calls the function for each piece, and returns the number of tokens.</param>
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
            // The status has already been sent, so the error is an event of the stream.
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
