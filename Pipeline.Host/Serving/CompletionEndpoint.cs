using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Serving;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Serving;

/// <summary><c>POST /v1/completions</c>: continues prompts, and scores them if <c>echo</c> and <c>logprobs</c>, or <c>prompt_logprobs</c>, ask for it.</summary>
internal static class CompletionEndpoint
{
    private const int UsualTokens = 16, MostPrompts = 256;

    // The most log-probabilities that are listed for a prompt. A request may ask for the whole vocabulary at each position.
    private const long MostNumbers = 1 << 23;

    public static async Task RunAsync(HttpContext http, ServedModels models)
    {
        RequestJson json = await RequestJson.ReadAsync(http.Request, http.RequestAborted);
        IServedModel model = models.Find(json.Text("model"));
        AnswerRequest request = AnswerRequest.Read(json, UsualTokens);
        Listing listing = Listing.Read(json, model);
        ServedPrompt[] prompts = Prompts(json, model);
        foreach (ServedPrompt prompt in prompts)
        {
            request.Check(model, prompt);
            if (listing.PromptTop is { } top && (long)prompt.Ids.Length * Math.Max(1, top) > MostNumbers)
                throw new RequestException(400, $"{prompt.Ids.Length} positions with {top} tokens each are more than {MostNumbers} numbers; ask for fewer", "prompt_logprobs");
        }
        if (prompts.Length * request.Count > MostPrompts)
            throw new RequestException(400, $"{prompts.Length} prompts with {request.Count} answers each; at most {MostPrompts} together", "prompt");
        var answer = new AnswerWriter("cmpl", "text_completion", model.Name, prompts.Sum(p => p.Ids.Length));
        if (request.IsStream)
        {
            if (listing.IsEcho || listing.PromptTop is not null)
                throw new RequestException(400, "'stream' cannot be combined with 'echo' or 'prompt_logprobs'; leave one out", "stream");
            await answer.StreamAsync(http, request, prompts.Length * request.Count, (index, write, stop) => StreamAsync(model, prompts[index / request.Count], request, listing, index, write, stop));
            return;
        }
        Task<(JsonObject Choice, int Tokens)>[] choices =
            [.. Enumerable.Range(0, prompts.Length * request.Count).Select(index => ChoiceAsync(model, prompts[index / request.Count], request, listing, index, http.RequestAborted))];
        await answer.WriteAsync(http, await Task.WhenAll(choices));
    }

    private static ServedPrompt[] Prompts(RequestJson json, IServedModel model)
    {
        if (json["prompt"] is not { } prompt)
            throw new RequestException(400, "'prompt' is missing: text, a list of texts, token ids, or a list of lists of them", "prompt");
        bool isList = prompt.ValueKind == JsonValueKind.Array;
        bool isIds = isList && prompt.GetArrayLength() > 0 && prompt[0].ValueKind == JsonValueKind.Number;
        JsonElement[] items = isList && !isIds ? [.. prompt.EnumerateArray()] : [prompt];
        if (items.Length is 0 or > MostPrompts)
            throw new RequestException(400, $"'prompt' has {items.Length} entries, expected 1 to {MostPrompts}", "prompt");
        return [.. items.Select(item => item.ValueKind switch
        {
            JsonValueKind.String => model.Prompt(item.GetString()!),
            JsonValueKind.Array => model.Prompt(RequestJson.Ids(item, "prompt")),
            _ => throw RequestJson.Wrong("prompt", item, "text or token ids"),
        })];
    }

    private static async Task<(JsonObject Choice, int Tokens)> ChoiceAsync(
        IServedModel model, ServedPrompt prompt, AnswerRequest request, Listing listing, int index, CancellationToken stop)
    {
        IReadOnlyList<ServedPosition>? positions = listing.NeedsPositions ? await model.ScoreAsync(prompt, listing.MostListed, stop) : null;
        var text = new GeneratedText(model.Decoder(prompt), model.Ends, request.Options.StopStrings);
        var lists = new TokenLists(model.Tokenizer, listing);
        string said = "";
        int tokens = 0;
        bool isLength = true;
        if (listing.IsEcho)
        {
            said = TextOf(model, prompt);
            foreach (ServedPosition position in positions?.SkipLast(1) ?? [])
                lists.Add(position.Id, position.LogP, position.Top);
        }
        await foreach (ServedToken token in AnswerAsync(model, prompt, request, listing, positions, index, stop))
        {
            tokens++;
            lists.Add(token.Id, token.LogP, token.Top);
            said += text.Add(token.Id, token.Ends);
            isLength = !model.Ends.Contains(token.Id) && !text.IsStopped;
            if (text.IsStopped)
                break;
        }
        var choice = new JsonObject
        {
            ["index"] = index,
            ["text"] = said,
            ["logprobs"] = listing.Top is null ? null : lists.ToJson(),
            ["finish_reason"] = isLength ? "length" : "stop",
        };
        if (listing.PromptTop is { } top)
            choice["prompt_logprobs"] = TokenLists.Prompt(model.Tokenizer, [.. positions!.SkipLast(1)], top);
        return (choice, tokens);
    }

    // If the prompt was scored, its most likely next token is known already. Evaluations ask for just that, so they need only one pass.
    private static async IAsyncEnumerable<ServedToken> AnswerAsync(
        IServedModel model, ServedPrompt prompt, AnswerRequest request, Listing listing, IReadOnlyList<ServedPosition>? positions, int index,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        if (request.Options.MaxNewTokens == 0)
            yield break;
        bool isKnown = positions is not null && request.Options is { MaxNewTokens: 1, Temperature: 0, RepetitionPenalty: 1 };
        if (isKnown)
        {
            ServedPosition next = positions![^1];
            yield return new ServedToken(next.Top[0].Id, next.Top[0].LogP, next.Top, true);
            yield break;
        }
        await foreach (ServedToken token in model.GenerateAsync(prompt, request.Options, index, listing.Top, stop))
            yield return token;
    }

    private static async Task<int> StreamAsync(
        IServedModel model, ServedPrompt prompt, AnswerRequest request, Listing listing, int index, Func<JsonObject, Task> write, CancellationToken stop)
    {
        var text = new GeneratedText(model.Decoder(prompt), model.Ends, request.Options.StopStrings);
        int tokens = 0;
        bool isLength = true;
        await foreach (ServedToken token in AnswerAsync(model, prompt, request, listing, null, index, stop))
        {
            tokens++;
            var lists = new TokenLists(model.Tokenizer, listing);
            lists.Add(token.Id, token.LogP, token.Top);
            string piece = text.Add(token.Id, token.Ends);
            isLength = !model.Ends.Contains(token.Id) && !text.IsStopped;
            await write(new JsonObject { ["index"] = index, ["text"] = piece, ["logprobs"] = listing.Top is null ? null : lists.ToJson(), ["finish_reason"] = null });
            if (text.IsStopped)
                break;
        }
        await write(new JsonObject { ["index"] = index, ["text"] = "", ["logprobs"] = null, ["finish_reason"] = isLength ? "length" : "stop" });
        return tokens;
    }

    private static string TextOf(IServedModel model, ServedPrompt prompt)
    {
        TextTokenizer tokenizer = model.Tokenizer;
        return tokenizer.Decode(prompt.Ids, skipSpecialTokens: true);
    }
}
