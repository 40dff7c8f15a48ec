using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;

namespace Pipeline.Host.Tests.Stages;

internal sealed record WriteLinesOptions
{
    [Description("The file, below the run folder.")]
    public required string To { get; init; }

    [Description("Ends after so many documents; 0 for all.")]
    public int Take { get; init; }
}

/// <summary>A sink that writes one file at the end.</summary>
internal class WriteLines(WriteLinesOptions options, StageContext context) : ISink<TextDocument>
{
    public async Task RunAsync(IAsyncEnumerable<TextDocument> input, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        int count = 0;
        await foreach (TextDocument document in input.WithCancellation(cancellationToken))
        {
            text.Append(document.Id).Append(' ').Append(document.Text).Append('\n');
            if (++count == options.Take)
                break;
        }
        context.Meter.Count("lines", count);
        context.Storage.WriteAtomically(
            RunPaths.Output(context.RunFolder, options.To), stream => stream.Write(Encoding.UTF8.GetBytes(text.ToString())));
    }
}

/// <summary>The same, allowed to end early.</summary>
internal sealed class TakeLines(WriteLinesOptions options, StageContext context) : WriteLines(options, context), IEndsEarly;

internal sealed record WritePartsOptions
{
    [Description("Parts.")]
    [Range(1, 100)]
    public int Count { get; init; } = 4;
}

/// <summary>A sink with one file for each part; each names the fingerprint it was made from.</summary>
internal sealed class WriteParts(WritePartsOptions options, StageContext context) : ISink<TextDocument>, IPartitioned
{
    public int PartitionCount => options.Count;

    public bool IsPresent(int partition) => context.Storage.FileExists(PathOf(partition));

    public bool IsCommitted(int partition)
    {
        if (!IsPresent(partition))
            return false;
        using var reader = new StreamReader(context.Storage.OpenRead(PathOf(partition)));
        return reader.ReadLine() == Fingerprint()
            ? true
            : throw new InputException($"{PathOf(partition)} was made from something else");
    }

    public async Task RunAsync(IAsyncEnumerable<TextDocument> input, CancellationToken cancellationToken)
    {
        var text = new StringBuilder(Fingerprint() + "\n");
        await foreach (TextDocument document in input.WithCancellation(cancellationToken))
            text.Append(document.Id).Append(' ').Append(document.Text).Append('\n');
        context.Storage.WriteAtomically(
            PathOf(context.Partition!.Value.Index), stream => stream.Write(Encoding.UTF8.GetBytes(text.ToString())));
    }

    private string PathOf(int partition) => RunPaths.Output(context.RunFolder, $"part-{partition}.txt");

    private string Fingerprint() => string.Join(";", context.Fingerprint().Select(p => $"{p.Key}={p.Value}"));
}

internal sealed record TrainOptions : IValidatableObject
{
    [Description("Steps.")]
    [Range(1, int.MaxValue)]
    [Extends]
    public int Steps { get; init; } = 10;

    [Description("Steps of warm-up; at most all of them.")]
    public int WarmUp { get; init; }

    [Description("The rate.")]
    [Range(0, 1, MinimumIsExclusive = true)]
    public double LearningRate { get; init; } = 1e-3;

    [Description("Losses; null is off.")]
    public ObjectiveSet Objectives { get; init; } = new();

    [Description("Weights.")]
    [Range(0.0, 10.0)]
    public IReadOnlyList<double> Weights { get; init; } = [1, 0.5];

    [Description("Names.")]
    public string[]? Names { get; init; }

    [Description("A large number.")]
    public long Tokens { get; init; } = 5_000_000_000;

    [Description("On or off.")]
    public bool Shuffle { get; init; } = true;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (WarmUp > Steps)
            yield return new ValidationResult($"'warmUp' is {WarmUp}, more than the {Steps} 'steps'", [nameof(WarmUp)]);
    }
}

internal sealed record ObjectiveSet
{
    [Description("Alm.")]
    public AlmObjective? Alm { get; init; } = new() { Gamma = 0.3 };

    [Description("Sft.")]
    public SftObjective? Sft { get; init; }
}

internal sealed record AlmObjective
{
    [Description("Threshold.")]
    [Range(0.0, 1.0)]
    public double Gamma { get; init; } = 0.1;

    [Description("Temperature.")]
    public double Tau { get; init; } = 100;
}

internal sealed record SftObjective
{
    [Description("Weight.")]
    public required double Weight { get; init; }
}

/// <summary>A sink with steps and a checkpoint: its state is how many documents it took and their hash.</summary>
internal sealed class Train : ISink<TextDocument>, IResumable
{
    private readonly TrainOptions _options;
    private readonly StageContext _context;
    private long _step;

    public Train(TrainOptions options, StageContext context)
    {
        (_options, _context) = (options, context);
        if (!context.Storage.FileExists(Checkpoint))
            return;
        using var reader = new StreamReader(context.Storage.OpenRead(Checkpoint));
        _step = long.Parse(reader.ReadLine()!, System.Globalization.CultureInfo.InvariantCulture);
    }

    public StreamPosition ResumeAt => new(_step, 0);

    private string Checkpoint => RunPaths.Output(_context.RunFolder, "checkpoint.txt");

    public async Task RunAsync(IAsyncEnumerable<TextDocument> input, CancellationToken cancellationToken)
    {
        _context.Meter.Progress(_step, _options.Steps);
        if (_step >= _options.Steps)
            return;
        await foreach (TextDocument document in input.WithCancellation(cancellationToken))
        {
            if (document.Id.Row != _step)
                throw new InvalidOperationException($"step {_step} got row {document.Id.Row}");
            _step++;
            _context.Meter.Scalar("loss", _step, 1.0 / _step);
            _context.Meter.Scalar("rate", _step, _options.LearningRate);
            _context.Meter.Progress(_step, _options.Steps);
            if (_step == _options.Steps)
                break;
            if (_context.StopRequested.IsCancellationRequested)
            {
                Save();
                throw new InterruptedException($"stopped at step {_step}");
            }
        }
        Save();
    }

    private void Save() => _context.Storage.WriteAtomically(Checkpoint, stream => stream.Write(Encoding.UTF8.GetBytes($"{_step}\n")));
}
