using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Rules;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Counts the tokens of both tokenizers in the documents of a flow. From the counts it computes and writes the tokenization bias of every pair of
/// tokens that can end a chunk together.
/// </summary>
internal sealed class ComputeBiasSink : ISink<TextDocument>, ICommitted
{
    private readonly ComputeBiasOptions _options;
    private readonly RunSite _run;
    private readonly IStageMeter _meter;
    private readonly string _path;

    public ComputeBiasSink(ComputeBiasOptions options, RunSite run, IStageMeter meter)
    {
        (_options, _run, _meter) = (options, run, meter);
        _path = run.Output(options.To);
    }

    public static StageRegistration Registration { get; } = StageRegistration.Sink<ComputeBiasOptions, TextDocument, ComputeBiasSink>(
        "compute-bias",
        "Writes the tokenization bias of teacher and student token pairs, for ALM over unbiased chunks.",
        static (o, c) => new ComputeBiasSink(o, RunSite.Of(c), c.Meter))
        .Writing<ComputeBiasOptions>(static o => [new StageOutput("to", o.To, OutputKind.Table)])
        .Ruled<ComputeBiasOptions>(static (_, c) => SideRules.Tokenizers(c)) with
    { Needs = StageNeeds.Teacher | StageNeeds.Student };

    public bool IsCommitted(int part)
    {
        if (!_run.Storage.FileExists(_path))
            return false;
        VocabularyFile.ReadBias(_run.Storage, _path, Tokenizers());
        return true;
    }

    public bool IsPresent(int part) => _run.Storage.FileExists(_path);

    public async Task RunAsync(IAsyncEnumerable<TextDocument> input, CancellationToken cancellationToken)
    {
        TextTokenizer teacher = SideTokenizers.Teacher(_run), student = SideTokenizers.Student(_run);
        TextEncoder teacherEncoder = teacher.CreateEncoder(), studentEncoder = student.CreateEncoder();
        long[] teacherCounts = new long[teacher.VocabularySize], studentCounts = new long[student.VocabularySize];
        await foreach (TextDocument document in input.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            foreach (string part in document.Messages is { } messages ? messages.Select(m => m.Content) : [document.Text])
            {
                string text = WellFormedText.Normalize(part);
                Count(teacherEncoder, text, teacherCounts);
                Count(studentEncoder, text, studentCounts);
            }
        }
        TokenPairBias bias = TokenizationBias.Of(
            new BiasSide(VocabularyTransfer.BytesOf(teacher), TokenizationBias.Smooth(teacherCounts, _options.Smoothing), teacher.EncodeBytes),
            new BiasSide(VocabularyTransfer.BytesOf(student), TokenizationBias.Smooth(studentCounts, _options.Smoothing), student.EncodeBytes),
            _meter.Progress,
            cancellationToken);
        VocabularyFile.WriteBias(_run.Storage, _path, bias, Tokenizers());
        _meter.Say($"{bias.Teacher.Length} token pairs in {_options.To}");
    }

    private TokenizerPair Tokenizers() => new(SideTokenizers.Teacher(_run).Fingerprint, SideTokenizers.Student(_run).Fingerprint);

    private static void Count(TextEncoder encoder, string text, long[] counts)
    {
        var ids = new List<int>();
        encoder.Encode(text, addSpecialTokens: false, ids);
        foreach (int id in ids)
            counts[id]++;
    }
}
