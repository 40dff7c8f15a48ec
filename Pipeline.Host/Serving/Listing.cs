using Pipeline.Stages.Serving;

namespace Pipeline.Host.Serving;

/// <summary>Says which log-probabilities a completion lists.</summary>
/// <param name="Top">How many of the most likely tokens <c>logprobs</c> lists at each position. Null if there is no such list.</param>
/// <param name="PromptTop">How many of the most likely tokens <c>prompt_logprobs</c> lists at each position. Null if there is no such list.</param>
/// <param name="IsEcho">Whether text and lists begin with the prompt.</param>
/// <param name="NamesIds">Whether tokens are named by their ids, which are unique, instead of their text.</param>
internal sealed record Listing(int? Top, int? PromptTop, bool IsEcho, bool NamesIds)
{
    private const int MostTop = 1_000_000;

    /// <summary>Whether the prompt has to be scored.</summary>
    public bool NeedsPositions => PromptTop is not null || (IsEcho && Top is not null);

    /// <summary>The largest number of tokens that any list needs at a position.</summary>
    public int MostListed => Math.Max(Top ?? 0, PromptTop ?? 0);

    /// <summary>Reads the fields from a body.</summary>
    /// <exception cref="RequestException">A number is out of range.</exception>
    public static Listing Read(RequestJson json, IServedModel model)
    {
        int? All(int? asked) => asked is { } top ? (top < 0 ? model.Rows : Math.Min(top, model.Rows)) : null;
        return new Listing(All(json.Whole("logprobs", 0, MostTop)), All(json.Whole("prompt_logprobs", -1, MostTop)), json.Flag("echo"), json.Flag("return_tokens_as_token_ids"));
    }
}
