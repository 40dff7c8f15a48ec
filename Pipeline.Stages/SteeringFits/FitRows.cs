using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Documents;

namespace Pipeline.Stages.SteeringFits;

/// <summary>A demonstration as rows of token ids.</summary>
/// <param name="Base">
/// The row whose last token has the base activation. For base greedy it is only the prompt, and the model's answer is still to be added.
/// </param>
/// <param name="Positive">The prompt and the positive continuation.</param>
/// <param name="Negative">The prompt and the negative continuation.</param>
internal readonly record struct FitRows(int[] Base, int[] Positive, int[] Negative)
{
    /// <summary>Tokenizes a demonstration.</summary>
    /// <exception cref="RejectedException">The demonstration is too long, or has no token.</exception>
    /// <exception cref="InputException">The base is to come from a column, but the source reads none.</exception>
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
