using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Pipeline.Stages.Serving;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Serving;

/// <summary>Describes models and their tokenizers, with the routes of vLLM's server. A client that evaluates a model through them does not need its files.</summary>
internal static class TokenEndpoints
{
    /// <summary><c>GET /v1/models</c>: all models.</summary>
    public static Task ListAsync(HttpContext http, ServedModels models)
        => ServerJson.WriteAsync(http, new JsonObject { ["object"] = "list", ["data"] = new JsonArray([.. models.All.Select(m => Described(m, models))]) });

    /// <summary><c>GET /v1/models/NAME</c>: one model.</summary>
    public static Task DescribeAsync(HttpContext http, ServedModels models, string name) => ServerJson.WriteAsync(http, Described(models.Find(name), models));

    /// <summary><c>POST /tokenize</c>: the ids of a prompt, or of messages that are rendered with the chat template.</summary>
    public static async Task TokenizeAsync(HttpContext http, ServedModels models)
    {
        RequestJson json = await RequestJson.ReadAsync(http.Request, http.RequestAborted);
        IServedModel model = models.Find(json.Text("model"));
        int[] ids = json["messages"] is not null ? model.Chat(ChatEndpoint.Messages(json)).Ids
            : json.Text("prompt") is { } text ? Ids(model, text, json.Flag("add_special_tokens", otherwise: true))
            : throw new RequestException(StatusCodes.Status400BadRequest, "'prompt' is missing, the text to be tokenized", "prompt");
        await ServerJson.WriteAsync(http, new JsonObject { ["count"] = ids.Length, ["max_model_len"] = model.MaxLength, ["tokens"] = new JsonArray([.. ids.Select(id => JsonValue.Create(id))]) });
    }

    /// <summary><c>POST /detokenize</c>: the text of ids.</summary>
    public static async Task DetokenizeAsync(HttpContext http, ServedModels models)
    {
        RequestJson json = await RequestJson.ReadAsync(http.Request, http.RequestAborted);
        IServedModel model = models.Find(json.Text("model"));
        if (json["tokens"] is not { } list)
            throw new RequestException(StatusCodes.Status400BadRequest, "'tokens' is missing, a list of ids", "tokens");
        await ServerJson.WriteAsync(http, new JsonObject { ["prompt"] = model.Tokenizer.Decode(RequestJson.Ids(list, "tokens"), skipSpecialTokens: false) });
    }

    /// <summary><c>GET /tokenizer_info</c>: the size of the vocabulary, the special tokens and the chat template.</summary>
    public static Task InfoAsync(HttpContext http, ServedModels models)
    {
        IServedModel model = models.Find(http.Request.Query["model"] is [{ } name] ? name : null);
        TextTokenizer tokenizer = model.Tokenizer;
        string? Text(int? id) => id is { } known ? tokenizer.TokenOf(known) : null;
        return ServerJson.WriteAsync(http, new JsonObject
        {
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["model"] = model.Name,
            ["vocab_size"] = model.Rows,
            ["model_max_length"] = model.MaxLength,
            ["bos_token"] = Text(tokenizer.BosId),
            ["eos_token"] = Text(tokenizer.EosId),
            ["pad_token"] = Text(tokenizer.PadId),
            ["chat_template"] = model.Template,
        });
    }

    private static int[] Ids(IServedModel model, string text, bool addSpecialTokens)
    {
        if (addSpecialTokens && text.Length > 0)
            return model.Prompt(text).Ids;
        var ids = new List<int>();
        model.Tokenizer.CreateEncoder().Encode(text, addSpecialTokens, ids);
        return [.. ids];
    }

    private static JsonObject Described(IServedModel model, ServedModels models) => new()
    {
        ["id"] = model.Name,
        ["object"] = "model",
        ["created"] = models.Created,
        ["owned_by"] = "alm",
        ["max_model_len"] = model.MaxLength,
    };
}
