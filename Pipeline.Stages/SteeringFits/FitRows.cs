using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Documents;

namespace Pipeline.Stages.SteeringFits;

/// <summary>A demonstration as token rows.</summary>
/// <param name="Base">What base activations are read after; the prompt, if the model's answer is still to come.</param>
/// <param name="Positive">Prompt and positive continuation.</param>
/// <param name="Negative">Prompt and negative continuation.</param>
internal readonly record struct FitRows(int[] Base, int[] Positive, int[] Negative)
{
    /// <exception cref="RejectedException">It cannot be used.</exception>
    /// <exception cref="InputException">The base is to come from a column that the source does not read.</exception>
    public static FitRows Of(Demonstration demonstration, PromptEncoder encoder, FitSeaOptions options)
    {
        string prompt = encoder.Render(demonstration.Prompt);
        int[] Ids(string continuation) => encoder.Encode(demonstration.Id, prompt, continuation).Ids;
        string own = options.Base != BaseChoice.Column ? "" : demonstration.Base
            ?? throw new InputException("fit-sea has base column, but read-demonstrations reads none; give it 'base' with the column's name, or fit with base greedy or prompt");
        var rows = new FitRows(Ids(own), Ids(demonstration.Positive), Ids(demonstration.Negative));
        int longest = Math.Max(rows.Positive.Length, Math.Max(rows.Negative.Length, rows.Base.Length + (options.Base == BaseChoice.Greedy ? options.MaxNewTokens - 1 : 0)));
        if (longest > options.MaxTokens)
            throw new RejectedException(demonstration.Id, "longer than maxTokens", string.Create(CultureInfo.InvariantCulture, $"{longest} tokens, at most {options.MaxTokens}"));
        return rows.Base.Length > 0 ? rows : throw new RejectedException(demonstration.Id, "no token in the prompt", "the prompt is empty, and the tokenizer has no bos token");
    }
}
