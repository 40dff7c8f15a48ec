using System.Security.Cryptography;
using System.Text.Json;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Serving;

namespace Pipeline.Host.Serving;

/// <summary>The fields that requests for completions and for chats have in common.</summary>
/// <param name="Options">How tokens are chosen, and how many.</param>
/// <param name="Count">The number of answers to each prompt.</param>
/// <param name="IsStream">Whether answers are sent piece by piece while they are generated.</param>
/// <param name="HasUsage">Whether a stream ends with the number of tokens.</param>
internal sealed record AnswerRequest(GenerationOptions Options, int Count, bool IsStream, bool HasUsage)
{
    private const int MostAnswers = 16, MostStops = 16, MostTokens = 1_000_000;

    /// <summary>Reads the fields from a body.</summary>
    /// <param name="json">The body.</param>
    /// <param name="otherwise">The most tokens of an answer if the body does not say.</param>
    /// <exception cref="RequestException">A field is wrong, or asks for something that this server does not do.</exception>
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

    /// <summary>Checks that the prompt and its answer fit into the model.</summary>
    /// <exception cref="RequestException">Together they are too long.</exception>
    public void Check(IServedModel model, ServedPrompt prompt)
    {
        // The last token of an answer is not fed back into the model.
        int needed = prompt.Ids.Length + Math.Max(0, Options.MaxNewTokens - 1);
        if (needed > model.MaxLength)
        {
            throw new RequestException(
                400, $"the prompt has {prompt.Ids.Length} tokens and {Options.MaxNewTokens} new ones are asked for; '{model.Name}' takes {model.MaxLength} together", "max_tokens", "context_length_exceeded");
        }
    }
}
