using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.NextBytes;

namespace Pipeline.Stages.Ensembles;

/// <summary>
/// Continues a text with one model, or with several that answer as one. It runs on the device's thread, and only as far as the caller takes the text.
/// </summary>
public static class EnsembleGenerator
{
    private static readonly HashSet<int> NoneSeen = [];

    /// <summary>
    /// The continuation, piece by piece, as soon as its text is certain. It is generated token by token where all members have the same tokenizer,
    /// and otherwise byte by byte.
    /// </summary>
    /// <param name="members">The models, in the order of the weights.</param>
    /// <param name="averaging">How their distributions become one.</param>
    /// <param name="prompt">The text to continue.</param>
    /// <param name="options">How tokens or bytes are chosen, and how many there are at most.</param>
    public static IEnumerable<string> Run(IReadOnlyList<ByteMember> members, Averaging averaging, string prompt, GenerationOptions options)
        => members.Select(m => m.Model.Tokenizer.Fingerprint).Distinct(StringComparer.Ordinal).Count() == 1
            ? ByTokens(members, averaging, prompt, options)
            : ByBytes(members, averaging, prompt, options);

    /// <summary>
    /// Continues a prompt that may end inside a token ("Prompts that end inside a token" in docs/method.md). The first token is drawn from those that
    /// go past the prompt's last byte, in any context, by their exact probabilities given the prompt's bytes. After it, generation goes on token by
    /// token.
    /// </summary>
    /// <param name="member">The model.</param>
    /// <param name="prompt">The text to continue.</param>
    /// <param name="options">How tokens are chosen.</param>
    public static IEnumerable<string> FromBytes(ByteMember member, string prompt, GenerationOptions options)
    {
        var continuation = new Continuation(member.Model.Tokenizer, prompt);
        int[] first = First(member, continuation.Prompt, options);
        var text = new GeneratedText(ids => continuation.DecodeWhole(ids, first), member.Ends, options.StopStrings);
        bool ends = member.Ends.Contains(first[^1]) || options.MaxNewTokens == 1;
        // The first piece is what the first token adds to the prompt. A token that ends the text adds nothing.
        yield return text.Grow(ends);
        if (ends || text.IsStopped)
            yield break;
        TokenGenerator generator = member.Model.Generator(options with { MaxNewTokens = options.MaxNewTokens - 1 });
        foreach (GeneratedToken token in generator.Run([first], member.Ends, member.Model.ValidRows, _ => text.IsStopped))
            yield return text.Add(token.Id, token.Ends);
    }

    private static int[] First(ByteMember member, IReadOnlyList<int> prompt, GenerationOptions options)
    {
        using NextByteModel view = member.View();
        using var session = new ByteSession(view, ByteText.OfPrompt(prompt, view.Vocabulary));
        IReadOnlyList<(Func<int[]> Ids, double P)> tokens = session.Tokens();
        // Another stream than the generator's, which goes on from here with the first draw of stream 0.
        int chosen = new TokenSampler(options, 1).Choose([.. tokens.Select(t => (float)Math.Log(t.P))], NoneSeen);
        return tokens[chosen].Ids();
    }

    private static IEnumerable<string> ByTokens(IReadOnlyList<ByteMember> members, Averaging averaging, string prompt, GenerationOptions options)
    {
        var continuation = new Continuation(members[0].Model.Tokenizer, prompt);
        var generator = new TokenGenerator([.. members.Select(m => m.Model.Decoding)], options, members.Count == 1 ? null : logits => EnsembleHead.Combine(logits, averaging));
        HashSet<int> ends = [.. members.SelectMany(m => m.Ends)];
        return new TextGenerator(generator, continuation.Decode, options).Run([continuation.Prompt], ends, members.Min(m => m.Model.ValidRows)).Select(piece => piece.Text);
    }

    private static IEnumerable<string> ByBytes(IReadOnlyList<ByteMember> members, Averaging averaging, string prompt, GenerationOptions options)
    {
        if (options.RepetitionPenalty != 1)
            throw new DefinitionException("a repetition penalty applies to tokens, but an ensemble of different tokenizers answers in bytes; leave it out");
        var views = new List<NextByteModel>();
        try
        {
            foreach (ByteMember member in members)
                views.Add(member.View());
            using var session = new EnsembleSession([.. members.Select((m, i) => (views[i], new Continuation(m.Model.Tokenizer, prompt).Prompt, (KeyValueCache?)null))], averaging);
            var sampler = new TokenSampler(options, 0);
            var text = new GeneratedText(
                bytes => Encoding.UTF8.GetString([.. bytes.Select(b => (byte)b)]), new HashSet<int> { ByteVocabulary.End }, options.StopStrings);
            for (int step = 1; step <= options.MaxNewTokens && !text.IsStopped; step++)
            {
                int symbol = sampler.Choose(session.LogRow(), NoneSeen);
                bool ends = symbol == ByteVocabulary.End || step == options.MaxNewTokens;
                yield return text.Add(symbol, ends);
                if (ends)
                    break;
                session.Push((byte)symbol);
            }
        }
        finally
        {
            views.ForEach(view => view.Dispose());
        }
    }
}
