using Pipeline.Stages.Serving;

namespace Pipeline.Host.Serving;

/// <summary>Which log-probabilities a completion lists.</summary>
/// <param name="Top">Likeliest tokens at each place of <c>logprobs</c>; null: no such list.</param>
/// <param name="PromptTop">Likeliest tokens at each place of <c>prompt_logprobs</c>; null: no such list.</param>
/// <param name="IsEcho">Whether the prompt is part of text and lists.</param>
/// <param name="NamesIds">Whether tokens are named by their ids, which are never alike.</param>
internal sealed record Listing(int? Top, int? PromptTop, bool IsEcho, bool NamesIds)
{
    private const int MostTop = 1_000_000;

    public bool NeedsPositions => PromptTop is not null || (IsEcho && Top is not null);

    public int MostListed => Math.Max(Top ?? 0, PromptTop ?? 0);

    /// <exception cref="RequestException">A number is out of range.</exception>
    public static Listing Read(RequestJson json, IServedModel model)
    {
        int? All(int? asked) => asked is { } top ? (top < 0 ? model.Rows : Math.Min(top, model.Rows)) : null;
        return new Listing(All(json.Whole("logprobs", 0, MostTop)), All(json.Whole("prompt_logprobs", -1, MostTop)), json.Flag("echo"), json.Flag("return_tokens_as_token_ids"));
    }
}
