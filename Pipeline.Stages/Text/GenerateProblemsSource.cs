using System.Globalization;
using System.IO.Hashing;
using System.Text;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Text.Problems;

namespace Pipeline.Stages.Text;

/// <summary>Generates arithmetic word problems with worked answers from the definition's seed.</summary>
internal sealed class GenerateProblemsSource(GenerateProblemsOptions options, int seed, Partition? partition, IStageMeter meter) : ISource<TextDocument>, IFingerprinted, IPlanned
{
    public static StageRegistration Registration { get; } = StageRegistration.Source<GenerateProblemsOptions, TextDocument, GenerateProblemsSource>(
        "generate-problems", "Generates arithmetic word problems with worked answers.", static (o, c) => new GenerateProblemsSource(o, c.Definition.Seed, c.Partition, c.Meter));

    public IReadOnlyDictionary<string, string> Fingerprint => new Dictionary<string, string>
    {
        [FingerprintPart.Input] = string.Create(
            CultureInfo.InvariantCulture, $"problems {ProblemWriter.Version} {seed} {options.Split} {options.First} {options.Documents}"),
    };

    public StagePlan Plan(long? records) => new(options.Documents, [new PlanLine("rows", options.Documents, PlanUnit.Count)]);

    public IAsyncEnumerable<TextDocument> ReadAsync(CancellationToken cancellationToken) => Read(cancellationToken).ToAsyncEnumerable();

    private IEnumerable<TextDocument> Read(CancellationToken cancellationToken)
    {
        (long first, long end) = RowSelection.Select(options.Documents, 0, 0, partition);
        // There is no file to hash. The hash is instead over everything that decides the texts, except the index.
        ulong file = XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(
            string.Create(CultureInfo.InvariantCulture, $"problems {ProblemWriter.Version} {seed} {options.Split}")));
        for (long i = first; i < end; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            string text = ProblemWriter.Write(seed, options.Split, options.First + i);
            meter.Progress(i - first + 1, end - first);
            meter.Count("documents", 1);
            meter.Count("bytes", Encoding.UTF8.GetByteCount(text));
            yield return new TextDocument(new DocumentId(file, options.First + i, 0), text);
        }
    }
}
