using System.Security.Cryptography;
using System.Text.Json;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Serving;

namespace Pipeline.Host.Serving;

/// <summary>What completions and chats have in common: how tokens are chosen, how many answers, and whether they come as they grow.</summary>
/// <param name="Options">How tokens are chosen, limited to what there is room for.</param>
/// <param name="Count">Answers to each prompt.</param>
/// <param name="IsStream">Whether they come as they grow.</param>
/// <param name="HasUsage">Whether a stream ends with the tokens it took.</param>
internal sealed record AnswerRequest(GenerationOptions Options, int Count, bool IsStream, bool HasUsage)
{
    private const int MostAnswers = 16, MostStops = 16, MostTokens = 1_000_000;

    /// <param name="json">The body.</param>
    /// <param name="otherwise">Tokens where the body does not say how many.</param>
    /// <exception cref="RequestException">A field is wrong, or asks for what is not done here.</exception>
    public static AnswerRequest Read(RequestJson json, int otherwise)
    {
        static bool IsZero(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.GetDouble() == 0;
        static bool IsEmpty(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.Object => !value.EnumerateObject().Any(),
            JsonValueKind.Array => value.GetArrayLength() == 0,
            JsonValueKind.String => value.GetString()!.Length == 0,
            _ => false,
        };
        json.Refuse("presence_penalty", IsZero);
        json.Refuse("frequency_penalty", IsZero);
        json.Refuse("logit_bias", IsEmpty);
        json.Refuse("suffix", IsEmpty);
        json.Refuse("tools", IsEmpty);
        json.Refuse("response_format", value => value.ValueKind == JsonValueKind.Object && value.TryGetProperty("type", out JsonElement type) && type.ValueEquals("text"));
        int count = json.Whole("n", 1, MostAnswers) ?? 1;
        json.Refuse("best_of", value => value.TryGetInt32(out int best) && best == count);
        int? topK = json.Whole("top_k", -1, MostTokens);
        var options = new GenerationOptions
        {
            MaxNewTokens = json.Whole("max_completion_tokens", 0, MostTokens) ?? json.Whole("max_tokens", 0, MostTokens) ?? otherwise,
            Temperature = json.Number("temperature", 0, 100) ?? 1,
            TopK = topK is > 0 ? topK : null,
            TopP = json.Number("top_p", 0.0001, 1) is { } share and < 1 ? share : null,
            MinP = json.Number("min_p", 0, 1) is { } least and > 0 ? least : null,
            RepetitionPenalty = json.Number("repetition_penalty", 0.01, 100) ?? 1,
            Seed = json.Whole("seed", int.MinValue, int.MaxValue) ?? RandomNumberGenerator.GetInt32(int.MaxValue),
            StopStrings = [.. json.Texts("stop", MostStops).Where(stop => stop.Length > 0)],
        };
        bool hasUsage = json["stream_options"] is { ValueKind: JsonValueKind.Object } stream && new RequestJson(stream).Flag("include_usage");
        return new AnswerRequest(options, count, json.Flag("stream"), hasUsage);
    }

    /// <exception cref="RequestException">Prompt and answer together are longer than the model is made for.</exception>
    public void Check(IServedModel model, ServedPrompt prompt)
    {
        // The last token of an answer is nobody's context.
        int needed = prompt.Ids.Length + Math.Max(0, Options.MaxNewTokens - 1);
        if (needed > model.MaxLength)
        {
            throw new RequestException(
                400, $"the prompt has {prompt.Ids.Length} tokens and {Options.MaxNewTokens} new ones are asked for; '{model.Name}' takes {model.MaxLength} together", "max_tokens", "context_length_exceeded");
        }
    }
}
