using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization.Unigram;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>Reads a Unigram <c>model</c> of a tokenizer.json.</summary>
internal static class UnigramReader
{
    private static readonly string[] s_members = ["type", "unk_id", "vocab", "byte_fallback", "nbest_size", "alpha"];

    /// <exception cref="InputException">The file says something that is not supported.</exception>
    public static UnigramModel Read(JsonPlace model, bool onBytes)
    {
        foreach (JsonProperty property in model.Value.EnumerateObject())
        {
            if (!s_members.Contains(property.Name))
                throw model[property.Name].Refuse("not known", $"a Unigram model may have {string.Join(", ", s_members)}");
        }
        foreach (string sampling in new[] { "nbest_size", "alpha" })
        {
            if (!model[sampling].IsNull)
                throw model[sampling].Refuse(model[sampling].Describe(), "only null is supported: ids must not depend on chance");
        }
        JsonPlace vocabulary = model["vocab"];
        var tokens = new Dictionary<string, int>(StringComparer.Ordinal);
        var scores = new List<double>();
        foreach (JsonPlace entry in vocabulary.Items())
        {
            if (entry.Value.ValueKind != JsonValueKind.Array || entry.Value.GetArrayLength() != 2)
                throw entry.Refuse(entry.Describe(), "expected [token, log-probability]");
            JsonElement score = entry.Value[1];
            if (score.ValueKind != JsonValueKind.Number || !score.TryGetDouble(out double value) || !double.IsFinite(value))
                throw entry.Refuse(entry.Describe(), "expected a finite log-probability");
            if (scores.Count >= ModelReader.MaxIds)
                throw vocabulary.Refuse("a longer list", $"at most {ModelReader.MaxIds} tokens are supported");
            tokens[new JsonPlace(entry.File, entry.Path, entry.Value[0]).Text()] = scores.Count;
            scores.Add(value);
        }
        JsonPlace unknown = model["unk_id"];
        int id = unknown.IsNull ? -1 : unknown.Number(0, Math.Max(0, scores.Count - 1));
        if (id >= scores.Count)
            throw unknown.Refuse(unknown.Describe(), "it must be in the vocabulary");
        return new UnigramModel(tokens, [.. scores], id, model["byte_fallback"].Flag(absent: false), onBytes);
    }
}
