using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Models.Generation;

/// <summary>Generates text and returns it piece by piece, as soon as it is certain.</summary>
/// <param name="generator">Generates the tokens.</param>
/// <param name="decode">The text of all new ids of one prompt. A character that is not complete yet is U+FFFD at its end.</param>
/// <param name="options">The options, for the stop strings.</param>
internal sealed class TextGenerator(TokenGenerator generator, Func<IReadOnlyList<int>, string> decode, GenerationOptions options)
{
    /// <summary>Continues the prompts. For the parameters see <see cref="TokenGenerator.Run"/>.</summary>
    /// <exception cref="DefinitionException">A stop string is empty.</exception>
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
