using System.Runtime.CompilerServices;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Embeddings;

/// <summary>Finds the nearest teacher token for every token of the student's tokenizer, in order of ids.</summary>
internal sealed class MatchTokensSource(RunSite run) : ISource<TokenMatch>
{
    public static StageRegistration Registration { get; } = StageRegistration.Source<MatchTokensOptions, TokenMatch, MatchTokensSource>(
        "match-tokens",
        "Finds the nearest teacher token of every student token by edit distance, for MinED.",
        static (_, c) => new MatchTokensSource(RunSite.Of(c)));

    public async IAsyncEnumerable<TokenMatch> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        TextTokenizer teacher = SideTokenizers.Teacher(run), student = SideTokenizers.Student(run);
        int id = 0;
        foreach (MinedEntry entry in MinedMapping.Each(VocabularyTransfer.BytesOf(teacher), teacher.VocabularySize, VocabularyTransfer.BytesOf(student)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new TokenMatch(id++, entry.SourceId, entry.Distance);
        }
    }
}
