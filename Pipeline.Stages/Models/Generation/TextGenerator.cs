using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Models.Generation;

/// <summary>Streams text, piece by piece as it becomes certain.</summary>
/// <param name="generator">Makes the ids.</param>
/// <param name="decode">Text of all new ids of one prompt; an unfinished character at its end as U+FFFD.</param>
/// <param name="options">Stop strings.</param>
internal sealed class TextGenerator(TokenGenerator generator, Func<IReadOnlyList<int>, string> decode, GenerationOptions options)
{
    public IEnumerable<TextPiece> Run(IReadOnlyList<IReadOnlyList<int>> prompts, IReadOnlySet<int> endIds, int validRows = 0)
    {
        if (options.StopStrings.Contains(""))
            throw new DefinitionException("stopStrings: an empty stop string would end every text before it begins; leave it out");
        GeneratedText[] texts = [.. prompts.Select(_ => new GeneratedText(decode, endIds, options.StopStrings))];
        foreach (GeneratedToken token in generator.Run(prompts, endIds, validRows, prompt => texts[prompt].IsStopped))
        {
            string piece = texts[token.Prompt].Add(token.Id, token.Ends);
            bool ends = token.Ends || texts[token.Prompt].IsStopped;
            if (piece.Length > 0 || ends)
                yield return new TextPiece(token.Prompt, piece, ends);
        }
    }
}
