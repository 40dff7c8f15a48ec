using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Tests.Stages;

internal enum ShoutStyle
{
    UpperCase,
    LowerCase,
}

/// <summary>A map that goes wrong on demand.</summary>
internal sealed record ShoutOptions
{
    [Description("How.")]
    public ShoutStyle Style { get; init; } = ShoutStyle.UpperCase;

    [Description("How often each document is handed over.")]
    [Range(0, 1_000_000)]
    public int Copies { get; init; } = 1;

    [Description("Every n-th row is rejected.")]
    public int RejectEvery { get; init; }

    [Description("Every n-th row throws.")]
    public int FailEvery { get; init; }

    [Description("Every n-th row throws OperationCanceledException, as an inner time-out does.")]
    public int CancelEvery { get; init; }

    [Description("Later rows take less time, so that they are done first.")]
    public bool Uneven { get; init; }
}

internal sealed class Shout(ShoutOptions options) : IMap<TextDocument, TextDocument>
{
    public IReadOnlyList<TextDocument> Map(TextDocument input)
    {
        long row = input.Id.Row;
        if (options.Uneven)
            Thread.SpinWait((int)(row * 7919 % 13) * 2000);
        if (Hits(row, options.RejectEvery))
            throw new RejectedException(input.Id, "too quiet", $"row {row} does not shout");
        if (Hits(row, options.FailEvery))
            throw new InvalidOperationException($"poison in row {row}");
        if (Hits(row, options.CancelEvery))
            throw new OperationCanceledException("an inner time-out");
        string text = options.Style == ShoutStyle.UpperCase ? input.Text.ToUpperInvariant() : input.Text;
        return Enumerable.Range(0, options.Copies).Select(i => input with { Id = input.Id with { Part = i }, Text = text }).ToList();
    }

    private static bool Hits(long row, int every) => every > 0 && row % every == every - 1;
}
