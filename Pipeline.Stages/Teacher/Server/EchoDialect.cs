using System.Text.Json;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>
/// Asks <c>/v1/completions</c> with <c>echo</c>. In the answer, <c>logprobs.token_logprobs</c> has the tokens of the prompt and then the generated one.
/// <c>top_logprobs</c> names tokens by their text. Tokens that share a text appear there once, so that sums over the list can only be too small: they
/// are still lower bounds.
/// </summary>
internal sealed class EchoDialect : IServerDialect
{
    public string Path => "v1/completions";

    public void Write(Utf8JsonWriter json, ReadOnlySpan<int> ids, OpenAiTeacherDefinition teacher, ServerVocabulary vocabulary)
    {
        json.WriteString("model", teacher.Model);
        json.WriteIds("prompt", ids);
        json.WriteNumber("max_tokens", 1);
        json.WriteNumber("temperature", 1);
        json.WriteBoolean("echo", true);
        json.WriteNumber("logprobs", Math.Max(1, teacher.Top));
    }

    public void WritePrompt(Utf8JsonWriter json, ReadOnlySpan<int> prompt, int seed, WritingRequest writing, OpenAiTeacherDefinition teacher)
        => CompletionWriting.Write(json, prompt, seed, writing, teacher);

    public TeacherWriting ReadWriting(JsonElement answer) => CompletionWriting.Read(answer);

    public ServerScores Read(JsonElement answer, ReadOnlySpan<int> ids, OpenAiTeacherDefinition teacher, ServerVocabulary vocabulary)
    {
        JsonElement lists = answer.OneChoice().Member("logprobs", JsonValueKind.Object, "the choice");
        JsonElement tokens = lists.Member("tokens", JsonValueKind.Array, "logprobs"), values = lists.Member("token_logprobs", JsonValueKind.Array, "logprobs");
        JsonElement top = teacher.Top > 0 ? lists.Member("top_logprobs", JsonValueKind.Array, "logprobs") : default;
        int generated = values.GetArrayLength() - ids.Length;
        if (generated is not (0 or 1) || tokens.GetArrayLength() != values.GetArrayLength() || (teacher.Top > 0 && top.GetArrayLength() != values.GetArrayLength()))
            throw new ServerAnswerException($"{tokens.GetArrayLength()} tokens and {values.GetArrayLength()} log-probabilities for {ids.Length} ids and one new token");
        var scores = new ServerScores(new double[ids.Length], new ListedMass[ids.Length]);
        for (int i = 0; i < ids.Length; i++)
        {
            if (tokens[i].ValueKind != JsonValueKind.String || !vocabulary.CanBe(tokens[i].GetString()!, ids[i]))
                throw new ServerAnswerException($"position {i} has token {tokens[i].GetRawText()}, but {vocabulary.Describe(ids[i])} was sent");
            if (i == 0)
            {
                if (values[i].ValueKind != JsonValueKind.Null)
                    throw new ServerAnswerException($"the first position is {AnswerJson.Kind(values[i])}, expected null: it has nothing before it");
                continue;
            }
            int position = i;
            scores.LogLikelihood[i] = values[i].LogProbability(() => $"position {position}");
            if (teacher.Top > 0)
                List(top[i], i, scores.LogLikelihood[i], ids[i], vocabulary, ref scores.Before[i]);
        }
        return scores;
    }

    private static void List(JsonElement list, int position, double logLikelihood, int observed, ServerVocabulary vocabulary, ref ListedMass mass)
    {
        if (list.ValueKind != JsonValueKind.Object)
            throw new ServerAnswerException($"position {position}: the most likely tokens are {AnswerJson.Kind(list)}, expected an object");
        bool isListed = false;
        foreach (JsonProperty token in list.EnumerateObject())
        {
            mass.Add(token.Value.LogProbability(() => $"position {position}, token '{token.Name}'"), vocabulary.IsBoundary(token.Name));
            isListed |= vocabulary.CanBe(token.Name, observed);
        }
        if (!isListed)
            mass.Add(logLikelihood, vocabulary.IsBoundary(observed));
    }
}
