using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Serving;

namespace Pipeline.Host.Serving;

/// <summary><c>POST /v1/chat/completions</c>: answers a conversation, which is rendered with the model's own chat template.</summary>
internal static class ChatEndpoint
{
    private const int MostMessages = 4096, MostListed = 1_000;

    public static async Task RunAsync(HttpContext http, ServedModels models)
    {
        RequestJson json = await RequestJson.ReadAsync(http.Request, http.RequestAborted);
        IServedModel model = models.Find(json.Text("model"));
        ServedPrompt prompt = model.Chat(Messages(json));
        AnswerRequest request = AnswerRequest.Read(json, Math.Max(1, model.MaxLength - prompt.Ids.Length + 1));
        request.Check(model, prompt);
        int? top = json.Flag("logprobs") ? json.Whole("top_logprobs", 0, MostListed) ?? 0 : null;
        var answer = new AnswerWriter("chatcmpl", request.IsStream ? "chat.completion.chunk" : "chat.completion", model.Name, prompt.Ids.Length);
        if (request.IsStream)
        {
            await answer.StreamAsync(http, request, request.Count, (index, write, stop) => StreamAsync(model, prompt, request, top, index, write, stop));
            return;
        }
        await answer.WriteAsync(http, await Task.WhenAll(Enumerable.Range(0, request.Count).Select(index => ChoiceAsync(model, prompt, request, top, index, http.RequestAborted))));
    }

    /// <summary>The messages of a request.</summary>
    /// <exception cref="RequestException">The field is missing, or is not a list of messages.</exception>
    public static IReadOnlyList<ChatMessage> Messages(RequestJson json)
    {
        if (json["messages"] is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() is 0 or > MostMessages)
            throw new RequestException(400, $"'messages' must be a list of 1 to {MostMessages} messages", "messages");
        return [.. list.EnumerateArray().Select((message, i) => Message(message, $"messages[{i}]"))];
    }

    private static ChatMessage Message(JsonElement message, string where)
    {
        if (message.ValueKind != JsonValueKind.Object || !message.TryGetProperty("role", out JsonElement role) || role.ValueKind != JsonValueKind.String)
            throw new RequestException(400, $"'{where}' has no 'role'", where);
        if (!message.TryGetProperty("content", out JsonElement content))
            throw new RequestException(400, $"'{where}' has no 'content'", where);
        string said = content.ValueKind switch
        {
            JsonValueKind.String => content.GetString()!,
            JsonValueKind.Array => string.Concat(content.EnumerateArray().Select(part => Part(part, where))),
            _ => throw RequestJson.Wrong($"{where}.content", content, "text"),
        };
        return new ChatMessage(role.GetString()!, said);
    }

    private static string Part(JsonElement part, string where)
        => part.ValueKind == JsonValueKind.Object && part.TryGetProperty("type", out JsonElement type) && type.ValueEquals("text")
            && part.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : throw new RequestException(400, $"'{where}' has a part that is not text; models here read only text", where);

    private static async Task<(JsonObject Choice, int Tokens)> ChoiceAsync(IServedModel model, ServedPrompt prompt, AnswerRequest request, int? top, int index, CancellationToken stop)
    {
        var said = new StringBuilder();
        var listed = new JsonArray();
        string reason = "length";
        int tokens = 0;
        await foreach ((string piece, JsonObject? logP, string? finish) in PiecesAsync(model, prompt, request, top, index, stop))
        {
            said.Append(piece);
            if (logP is not null)
                listed.Add(logP);
            (tokens, reason) = (tokens + 1, finish ?? reason);
        }
        return (new JsonObject
        {
            ["index"] = index,
            ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = said.ToString() },
            ["logprobs"] = top is null ? null : new JsonObject { ["content"] = listed },
            ["finish_reason"] = reason,
        }, tokens);
    }

    private static async Task<int> StreamAsync(IServedModel model, ServedPrompt prompt, AnswerRequest request, int? top, int index, Func<JsonObject, Task> write, CancellationToken stop)
    {
        await write(Part(index, new JsonObject { ["role"] = "assistant", ["content"] = "" }, null, null));
        string reason = "length";
        int tokens = 0;
        await foreach ((string piece, JsonObject? logP, string? finish) in PiecesAsync(model, prompt, request, top, index, stop))
        {
            if (piece.Length > 0 || logP is not null)
                await write(Part(index, new JsonObject { ["content"] = piece }, logP is null ? null : new JsonObject { ["content"] = new JsonArray(logP) }, null));
            (tokens, reason) = (tokens + 1, finish ?? reason);
        }
        await write(Part(index, [], null, reason));
        return tokens;
    }

    private static JsonObject Part(int index, JsonObject delta, JsonObject? logP, string? reason)
        => new() { ["index"] = index, ["delta"] = delta, ["logprobs"] = logP, ["finish_reason"] = reason };

    // A piece of text for each token, and with the last one the reason why the answer ends.
    private static async IAsyncEnumerable<(string Piece, JsonObject? LogP, string? Finish)> PiecesAsync(
        IServedModel model, ServedPrompt prompt, AnswerRequest request, int? top, int index, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        if (request.Options.MaxNewTokens == 0)
            yield break;
        var text = new GeneratedText(model.Decoder(prompt), model.Ends, request.Options.StopStrings);
        await foreach (ServedToken token in model.GenerateAsync(prompt, request.Options, index, top, stop))
        {
            string piece = text.Add(token.Id, token.Ends);
            bool stops = model.Ends.Contains(token.Id) || text.IsStopped;
            JsonObject? listed = top is null ? null : Listed(model, token.Id, token.LogP);
            if (listed is not null)
                listed["top_logprobs"] = new JsonArray([.. token.Top.Select(t => Listed(model, t.Id, t.LogP))]);
            yield return (piece, listed, stops ? "stop" : token.Ends ? "length" : null);
            if (stops)
                yield break;
        }
    }

    private static JsonObject Listed(IServedModel model, int id, double logP) => new()
    {
        ["token"] = ServedTokenText.Of(model.Tokenizer, id),
        ["logprob"] = Math.Max(logP, -9999),
        ["bytes"] = new JsonArray([.. model.Tokenizer.ByteView(id).ToArray().Select(b => JsonValue.Create((int)b))]),
    };
}
