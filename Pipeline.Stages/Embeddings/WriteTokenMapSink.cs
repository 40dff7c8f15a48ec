using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Rules;
using Pipeline.Stages.Sides;

namespace Pipeline.Stages.Embeddings;

/// <summary>Writes the file with the token map that MinED reads. The file appears completely or not at all.</summary>
internal sealed class WriteTokenMapSink : ISink<TokenMatch>, ICommitted
{
    private readonly RunSite _run;
    private readonly IStageMeter _meter;
    private readonly string _path;

    public WriteTokenMapSink(WriteTokenMapOptions options, RunSite run, IStageMeter meter)
    {
        (_run, _meter) = (run, meter);
        _path = run.Output(options.To);
    }

    public static StageRegistration Registration { get; } = StageRegistration.Sink<WriteTokenMapOptions, TokenMatch, WriteTokenMapSink>(
        "write-token-map",
        "Writes the nearest teacher token of every student token.",
        static (o, c) => new WriteTokenMapSink(o, RunSite.Of(c), c.Meter))
        .Writing<WriteTokenMapOptions>(static o => [new StageOutput("to", o.To, OutputKind.Table)])
        .Ruled<WriteTokenMapOptions>(static (_, c) => SideRules.Tokenizers(c));

    public bool IsCommitted(int part)
    {
        if (!_run.Storage.FileExists(_path))
            return false;
        VocabularyFile.ReadMap(_run.Storage, _path, Tokenizers());
        return true;
    }

    public bool IsPresent(int part) => _run.Storage.FileExists(_path);

    public async Task RunAsync(IAsyncEnumerable<TokenMatch> input, CancellationToken cancellationToken)
    {
        var map = new List<MinedEntry>();
        int exact = 0;
        await foreach (TokenMatch match in input.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            if (match.StudentId != map.Count)
                throw new InvalidOperationException($"student token {match.StudentId} came after {map.Count} tokens; they must come in order of ids");
            map.Add(new MinedEntry(match.TeacherId, match.Distance));
            exact += match is { TeacherId: >= 0, Distance: 0 } ? 1 : 0;
        }
        VocabularyFile.WriteMap(_run.Storage, _path, map, Tokenizers());
        _meter.Say($"{map.Count} student tokens, {exact} of them also the teacher's");
    }

    private TokenizerPair Tokenizers() => new(SideTokenizers.Teacher(_run).Fingerprint, SideTokenizers.Student(_run).Fingerprint);
}
