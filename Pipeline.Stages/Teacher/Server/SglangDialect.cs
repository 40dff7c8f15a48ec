using System.Text.Json;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>
/// Asks <c>/generate</c> with <c>return_logprob</c>. In the answer, <c>meta_info.input_token_logprobs</c> has an entry [log-probability, id, text] for
/// every id that was sent, and <c>input_top_logprobs</c> has for each position a list of such entries for the most likely tokens.
/// </summary>
internal sealed class SglangDialect : IServerDialect
{
    public string Path => "generate";

    public void Write(Utf8JsonWriter json, ReadOnlySpan<int> ids, OpenAiTeacherDefinition teacher, ServerVocabulary vocabulary)
    {
        json.WriteIds("input_ids", ids);
        json.WriteStartObject("sampling_params");
        json.WriteNumber("max_new_tokens", 1);
        json.WriteNumber("temperature", 1);
        json.WriteEndObject();
        json.WriteBoolean("return_logprob", true);
        json.WriteNumber("logprob_start_len", 0);
        json.WriteNumber("top_logprobs_num", teacher.WholeDistribution ? vocabulary.Size : teacher.Top);
    }

    public void WritePrompt(Utf8JsonWriter json, ReadOnlySpan<int> prompt, int seed, WritingRequest writing, OpenAiTeacherDefinition teacher)
    {
        json.WriteIds("input_ids", prompt);
        json.WriteStartObject("sampling_params");
        json.WriteNumber("max_new_tokens", writing.MaxNewTokens);
        json.WriteNumber("temperature", writing.Temperature);
        if (writing.TopK is { } topK)
            json.WriteNumber("top_k", topK);
        if (writing.TopP is { } topP)
            json.WriteNumber("top_p", topP);
        json.WriteNumber("sampling_seed", seed);
        json.WriteEndObject();
    }

    public TeacherWriting ReadWriting(JsonElement answer)
    {
        string text = answer.Member("text", JsonValueKind.String, "the answer").GetString()!;
        JsonElement reason = answer.Member("meta_info", JsonValueKind.Object, "the answer").Member("finish_reason", JsonValueKind.Object, "meta_info");
        return new TeacherWriting([], AnswerJson.IsEnded(reason.Member("type", JsonValueKind.String, "finish_reason").GetString()!)) { Text = text, Count = answer.Tokens("meta_info") };
    }

    public ServerScores Read(JsonElement answer, ReadOnlySpan<int> ids, OpenAiTeacherDefinition teacher, ServerVocabulary vocabulary)
    {
        JsonElement meta = answer.Member("meta_info", JsonValueKind.Object, "the answer");
        JsonElement tokens = meta.Member("input_token_logprobs", JsonValueKind.Array, "meta_info");
        bool listed = teacher.WholeDistribution || teacher.Top > 0;
        JsonElement top = listed ? meta.Member("input_top_logprobs", JsonValueKind.Array, "meta_info") : default;
        if (tokens.GetArrayLength() != ids.Length || (listed && top.GetArrayLength() != ids.Length))
            throw new ServerAnswerException($"{tokens.GetArrayLength()} positions{(listed ? $" and {top.GetArrayLength()} lists" : "")} for {ids.Length} ids");
        var scores = new ServerScores(new double[ids.Length], new ListedMass[ids.Length]);
        for (int i = 0; i < ids.Length; i++)
        {
            (JsonElement logProbability, int id) = Entry(tokens[i], i);
            if (id != ids[i])
                throw new ServerAnswerException($"position {i} has id {vocabulary.Describe(id)}, but {vocabulary.Describe(ids[i])} was sent");
            if (i == 0)
            {
                if (logProbability.ValueKind != JsonValueKind.Null)
                    throw new ServerAnswerException($"the first position is {AnswerJson.Kind(logProbability)}, expected null: it has nothing before it");
                continue;
            }
            int position = i;
            scores.LogLikelihood[i] = logProbability.LogProbability(() => $"position {position}");
            if (listed)
                List(top[i], i, id, scores.LogLikelihood[i], vocabulary, ref scores.Before[i]);
        }
        return scores;
    }

    private static void List(JsonElement list, int position, int observed, double logLikelihood, ServerVocabulary vocabulary, ref ListedMass mass)
    {
        if (list.ValueKind != JsonValueKind.Array)
            throw new ServerAnswerException($"position {position}: the most likely tokens are {AnswerJson.Kind(list)}, expected a list");
        bool isListed = false;
        foreach (JsonElement entry in list.EnumerateArray())
        {
            (JsonElement value, int id) = Entry(entry, position);
            mass.Add(value.LogProbability(() => $"position {position}, id {id}"), vocabulary.IsBoundary(id));
            isListed |= id == observed;
        }
        if (!isListed)
            mass.Add(logLikelihood, vocabulary.IsBoundary(observed));
    }

    private static (JsonElement LogProbability, int Id) Entry(JsonElement entry, int position)
        => entry.ValueKind == JsonValueKind.Array && entry.GetArrayLength() >= 2 && entry[1].ValueKind == JsonValueKind.Number && entry[1].TryGetInt32(out int id)
            ? (entry[0], id)
            : throw new ServerAnswerException($"position {position} is {AnswerJson.Kind(entry)}, expected [log-probability, id, …]");
}
