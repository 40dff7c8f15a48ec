using System.ComponentModel;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Tests.Stages;

/// <summary>The stages of these tests, as StageTable holds the real ones.</summary>
internal static class TestStageTable
{
    public static IReadOnlyList<StageRegistration> All { get; } =
    [
        StageRegistration.Source<MakeTextsOptions, TextDocument, MakeTexts>("make-texts", "Numbered texts.", (o, c) => new MakeTexts(o, c)),
        StageRegistration.Map<ShoutOptions, TextDocument, TextDocument, Shout>("shout", "Upper case.", (o, _) => new Shout(o)),
        StageRegistration.Map<NoOptions, TextDocument, AlignedPair, Pair>("pair", "Another record.", (_, _) => new Pair()) with { Needs = StageNeeds.Teacher | StageNeeds.Student },
        StageRegistration.Stream<PairUpOptions, TextDocument, TextDocument, JoinNeighbours>("join-neighbours", "Two documents to one.", (o, _) => new JoinNeighbours(o)),
        StageRegistration.Sink<WriteLinesOptions, TextDocument, WriteLines>("write-lines", "One file.", (o, c) => new WriteLines(o, c))
            .Writing<WriteLinesOptions>(static o => [new StageOutput("to", o.To, OutputKind.Text)]),
        StageRegistration.Sink<WriteLinesOptions, TextDocument, TakeLines>("take-lines", "One file, of the first few.", (o, c) => new TakeLines(o, c)),
        StageRegistration.Sink<WritePartsOptions, TextDocument, WriteParts>("write-parts", "A file for each part.", (o, c) => new WriteParts(o, c)),
        StageRegistration.Sink<TrainOptions, TextDocument, Train>("train", "Steps.", (o, c) => new Train(o, c))
            .Writing<TrainOptions>(static _ => [new StageOutput("steps", "checkpoint.txt", OutputKind.Text) { IsState = true }]),
    ];
}

internal sealed record NoOptions;

internal sealed class Pair : IMap<TextDocument, AlignedPair>
{
    public IReadOnlyList<AlignedPair> Map(TextDocument input)
        => [new AlignedPair(input.Id, input.Text, new TokenSequence([], []), new TokenSequence([], []), [])];
}

internal sealed record PairUpOptions
{
    [Description("Throws OperationCanceledException after so many; 0 for never.")]
    public int CancelAfter { get; init; }
}

/// <summary>A stream that joins two documents to one.</summary>
internal sealed class JoinNeighbours(PairUpOptions options) : IStream<TextDocument, TextDocument>
{
    public async IAsyncEnumerable<TextDocument> RunAsync(
        IAsyncEnumerable<TextDocument> input, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        TextDocument? held = null;
        int count = 0;
        await foreach (TextDocument document in input.WithCancellation(cancellationToken))
        {
            if (++count == options.CancelAfter)
                throw new OperationCanceledException("an inner time-out");
            if (held is null)
            {
                held = document;
                continue;
            }
            yield return held with { Text = held.Text + "+" + document.Text };
            held = null;
        }
        if (held is not null)
            yield return held;
    }
}
