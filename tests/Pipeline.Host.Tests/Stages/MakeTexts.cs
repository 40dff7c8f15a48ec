using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Runtime.CompilerServices;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Tests.Stages;

/// <summary>A source of numbered documents: the rows of its partition.</summary>
internal sealed record MakeTextsOptions
{
    [Description("Rows.")]
    [Range(0, 1_000_000)]
    public required int Count { get; init; }

    [Description("Every n-th row is rejected; 0 for none.")]
    public int RejectEvery { get; init; }

    [Description("Milliseconds between rows.")]
    [Range(0, 10_000)]
    public int Pause { get; init; }

    [Description("Characters of a text beside its number.")]
    [Range(0, 1 << 26)]
    public int Length { get; init; }
}

internal sealed class MakeTexts(MakeTextsOptions options, StageContext context) : ISource<TextDocument>, IFingerprinted, IPlanned
{
    public IReadOnlyDictionary<string, string> Fingerprint { get; } = new Dictionary<string, string> { ["rows"] = $"{options.Count}" };

    public StagePlan Plan(long? records) => new(options.Count, [new PlanLine("characters", 100.0 * options.Count, PlanUnit.Count)]);

    public async IAsyncEnumerable<TextDocument> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Partition part = context.Partition ?? new Partition(0, 1);
        int first = (int)((long)options.Count * part.Index / part.Count);
        int end = (int)((long)options.Count * (part.Index + 1) / part.Count);
        for (int row = Math.Max(first, (int)context.Resume.Window); row < end; row++)
        {
            if (options.Pause > 0)
                await Task.Delay(options.Pause, cancellationToken);
            var id = new DocumentId(7, row, 0);
            if (options.RejectEvery > 0 && row % options.RejectEvery == 0)
                context.Rejects.Reject(id, "every n-th", $"row {row} is one of them");
            else
                yield return new TextDocument(id, $"text {row}{new string('.', options.Length)}");
        }
    }
}
