using System.Text.Json.Nodes;

namespace Pipeline.Host.Tests.Serving;

/// <summary>
/// Asks as lm-evaluation-harness does of a server with a remote tokenizer: the server's own tokens, the prompt's end sent as ids with
/// <c>echo</c>, one token more, and the sum of all but that one behind the context.
/// </summary>
internal sealed class HarnessClient(ServedAlm server, string model)
{
    private int _prefix;

    /// <summary>Reads the tokenizer's facts, as the harness does once.</summary>
    public async Task BeginAsync()
    {
        JsonNode info = await server.GetAsync($"tokenizer_info?model={model}");
        string eos = (string)info["eos_token"]!, first = (string?)info["bos_token"] ?? eos;
        int[] ids = await EncodeAsync(first);
        _prefix = Assert.Single(ids);
    }

    public async Task<int[]> EncodeAsync(string text)
    {
        JsonNode answer = await server.PostAsync("tokenize", new { model, prompt = text, add_special_tokens = false });
        int[] ids = [.. answer["tokens"]!.AsArray().Select(id => (int)id!)];
        Assert.Equal(ids.Length, (int)answer["count"]!);
        return ids;
    }

    /// <summary>Log-likelihood of a continuation, and whether it is the most likely one.</summary>
    public async Task<(double LogLikelihood, bool IsGreedy)> LogLikelihoodAsync(string context, string continuation)
    {
        int[] before = context.Length == 0 ? [] : await EncodeAsync(context), whole = await EncodeAsync(context + continuation);
        return (await LogLikelihoodsAsync([[_prefix, .. whole]], [1 + before.Length]))[0];
    }

    public async Task<(double LogLikelihood, bool IsGreedy)[]> LogLikelihoodsAsync(int[][] prompts, int[] contexts)
    {
        JsonNode answer = await server.PostAsync("v1/completions", new { model, prompt = prompts, temperature = 0, max_tokens = 1, logprobs = 1, seed = 1234, echo = true });
        var results = new (double, bool)[prompts.Length];
        foreach (JsonNode? choice in answer["choices"]!.AsArray())
        {
            int index = (int)choice!["index"]!;
            JsonNode lists = choice["logprobs"]!;
            JsonArray tokens = lists["tokens"]!.AsArray(), values = lists["token_logprobs"]!.AsArray(), top = lists["top_logprobs"]!.AsArray();
            Assert.Equal(prompts[index].Length + 1, values.Count);
            Assert.Null(values[0]);
            bool isGreedy = true;
            double sum = 0;
            for (int i = contexts[index]; i < values.Count - 1; i++)
            {
                sum += (double)values[i]!;
                KeyValuePair<string, JsonNode?> best = top[i]!.AsObject().MaxBy(t => (double)t.Value!);
                isGreedy &= best.Key == (string)tokens[i]!;
            }
            results[index] = (sum, isGreedy);
        }
        return results;
    }
}
