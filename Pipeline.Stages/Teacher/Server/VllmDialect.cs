using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>
/// Asks <c>/v1/completions</c> with <c>prompt_logprobs</c>. The answer has, for every id of the prompt but the first, an object that maps ids to
/// log-probabilities. It contains the most likely tokens and the id itself.
/// </summary>
internal sealed class VllmDialect : IServerDialect
{
    private const int All = -1;

    public string Path => "v1/completions";

    public void Write(Utf8JsonWriter json, ReadOnlySpan<int> ids, OpenAiTeacherDefinition teacher, ServerVocabulary vocabulary)
    {
        json.WriteString("model", teacher.Model);
        json.WriteIds("prompt", ids);
        json.WriteNumber("max_tokens", 1);
        // Some servers compute the log-probabilities of the prompt at this temperature. At 1 they are those of the model.
        json.WriteNumber("temperature", 1);
        json.WriteNumber("prompt_logprobs", teacher.WholeDistribution ? All : teacher.Top);
        json.WriteBoolean("add_special_tokens", false);
    }

    public void WritePrompt(Utf8JsonWriter json, ReadOnlySpan<int> prompt, int seed, WritingRequest writing, OpenAiTeacherDefinition teacher)
        => CompletionWriting.Write(json, prompt, seed, writing, teacher);

    public TeacherWriting ReadWriting(JsonElement answer) => CompletionWriting.Read(answer);

    public ServerScores Read(JsonElement answer, ReadOnlySpan<int> ids, OpenAiTeacherDefinition teacher, ServerVocabulary vocabulary)
    {
        JsonElement positions = answer.OneChoice().Member("prompt_logprobs", JsonValueKind.Array, "the choice");
        if (positions.GetArrayLength() != ids.Length)
            throw new ServerAnswerException($"{positions.GetArrayLength()} positions for {ids.Length} ids");
        var scores = new ServerScores(new double[ids.Length], new ListedMass[ids.Length]);
        int position = 0;
        foreach (JsonElement listed in positions.EnumerateArray())
        {
            if (position == 0)
            {
                if (listed.ValueKind != JsonValueKind.Null)
                    throw new ServerAnswerException($"the first position is {AnswerJson.Kind(listed)}, expected null: it has nothing before it");
            }
            else
            {
                scores.LogLikelihood[position] = Read(listed, position, ids[position], vocabulary, ref scores.Before[position]);
            }
            position++;
        }
        return scores;
    }

    private static double Read(JsonElement listed, int position, int observed, ServerVocabulary vocabulary, ref ListedMass mass)
    {
        if (listed.ValueKind != JsonValueKind.Object)
            throw new ServerAnswerException($"position {position} is {AnswerJson.Kind(listed)}, expected log-probabilities by id");
        double? found = null;
        foreach (JsonProperty token in listed.EnumerateObject())
        {
            if (!int.TryParse(token.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int id))
                throw new ServerAnswerException($"position {position} lists '{token.Name}', expected ids");
            double logProbability = token.Value.Member("logprob", JsonValueKind.Number, $"position {position}, id {id}")
                .LogProbability(() => $"position {position}, id {id}: 'logprob'");
            mass.Add(logProbability, vocabulary.IsBoundary(id));
            if (id == observed)
                found = logProbability;
        }
        return found ?? throw new ServerAnswerException($"position {position} does not list id {vocabulary.Describe(observed)}, which was sent");
    }
}
