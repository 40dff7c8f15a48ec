using System.Text.Json;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>Has prompts continued by <c>/v1/completions</c>, which several kinds of servers offer; see <see cref="IServerDialect"/>.</summary>
internal static class CompletionWriting
{
    public static void Write(Utf8JsonWriter json, ReadOnlySpan<int> prompt, int seed, WritingRequest writing, OpenAiTeacherDefinition teacher)
    {
        json.WriteString("model", teacher.Model);
        json.WriteIds("prompt", prompt);
        json.WriteNumber("max_tokens", writing.MaxNewTokens);
        json.WriteNumber("temperature", writing.Temperature);
        if (writing.TopK is { } topK)
            json.WriteNumber("top_k", topK);
        if (writing.TopP is { } topP)
            json.WriteNumber("top_p", topP);
        json.WriteNumber("seed", seed);
    }

    public static TeacherWriting Read(JsonElement answer)
    {
        JsonElement choice = answer.OneChoice();
        string text = choice.Member("text", JsonValueKind.String, "the choice").GetString()!;
        string reason = choice.Member("finish_reason", JsonValueKind.String, "the choice").GetString()!;
        return new TeacherWriting([], AnswerJson.IsEnded(reason)) { Text = text, Count = answer.Tokens("usage") };
    }
}
