using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Counts both tokenizers' tokens in the documents of a flow and writes the tokenization bias of every pair of tokens that can end
/// a chunk together.
/// </summary>
internal sealed class ComputeBiasStage : ISink<TextDocument>, IPartitioned
{
    private readonly ComputeBiasOptions _options;
    private readonly StageContext _context;
    private readonly string _path;

    public ComputeBiasStage(ComputeBiasOptions options, StageContext context)
    {
        (_options, _context) = (options, context);
        _path = RunPaths.Output(context.RunFolder, options.To);
    }

    public static StageRegistration Registration { get; } = StageRegistration.Sink<ComputeBiasOptions, TextDocument>(
        "compute-bias",
        "Writes the tokenization bias of teacher and student token pairs, for ALM over unbiased chunks.",
        (options, context) => new ComputeBiasStage(options, context)) with { IsPartitioned = true, Needs = StageNeeds.Teacher | StageNeeds.Student };

    public int PartitionCount => 1;

    public bool IsCommitted(int partition)
    {
        if (!_context.Storage.FileExists(_path))
            return false;
        VocabularyFile.ReadBias(_context.Storage, _path, Tokenizers());
        return true;
    }

    public bool IsPresent(int partition) => _context.Storage.FileExists(_path);

    public async Task RunAsync(IAsyncEnumerable<TextDocument> input, CancellationToken cancellationToken)
    {
        TextTokenizer teacher = SideTokenizers.Teacher(_context), student = SideTokenizers.Student(_context);
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
            _context.Meter.Progress,
            cancellationToken);
        VocabularyFile.WriteBias(_context.Storage, _path, bias, Tokenizers());
        _context.Meter.Say($"{bias.Teacher.Length} token pairs in {_options.To}");
    }

    private TokenizerPair Tokenizers() => new(SideTokenizers.Teacher(_context).Fingerprint, SideTokenizers.Student(_context).Fingerprint);

    private static void Count(TextEncoder encoder, string text, long[] counts)
    {
        var ids = new List<int>();
        encoder.Encode(text, addSpecialTokens: false, ids);
        foreach (int id in ids)
            counts[id]++;
    }
}
