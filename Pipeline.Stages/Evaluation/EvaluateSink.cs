using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Evaluation;

/// <summary>
/// Judges models by bits per byte on the text that reaches it, and writes a report. The text is kept as tokens; then the models are loaded in turn.
/// Only an ensemble, or a comparison of exact next bytes, has several of them in memory at once.
/// </summary>
internal sealed class EvaluateSink(
    EvaluateOptions options, string name, RunSite run, TorchDevice device, IStageMeter meter, IRejects rejects, IRanks ranks, CancellationToken stopRequested) : ISink<TextDocument>, IEndsEarly
{
    public static StageRegistration Registration { get; } = StageRegistration.Sink<EvaluateOptions, TextDocument, EvaluateSink>(
        "evaluate", "Judges models by bits per byte on the same windows of text and writes a report.",
        static (o, c) => new EvaluateSink(o, c.StageName, RunSite.Of(c), c.Service<TorchDevice>(), c.Meter, c.Rejects, c.Service<IRanks>(), c.StopRequested))
        .Writing<EvaluateOptions>(static o => [new StageOutput("to", ReportOf(o), OutputKind.Report)])
        .Ruled<EvaluateOptions>(EvaluatedModelRules.Of) with
    { IsRanked = true };

    public async Task RunAsync(IAsyncEnumerable<TextDocument> input, CancellationToken cancellationToken)
    {
        if (ranks.Rank == 0 && options.Models.Any(m => m.Model == InitialStudent.Name))
            await InitialStudent.EnsureAsync(run, device, cancellationToken);
        ranks.Wait();
        EvaluationPlan plan = EvaluationPlan.Make(options, run.Definition, run.Folder);
        IReadOnlyList<TextTokenizer> sides = [.. plan.Models.Select(m => run.Tokenizers.Get(m.Tokenizer)).DistinctBy(t => t.Fingerprint)];
        var text = new HeldOutText(options.WindowBytes, options.Stride, options.MaxBytes, sides, keepOffsets: plan.Agreement is not null, keepTexts: plan.NeedsTexts(run.Tokenizers));
        await foreach (TextDocument document in input.WithCancellation(cancellationToken))
        {
            StopIfAsked();
            if (!text.Add(document, rejects))
                break;
        }
        if (text.Bytes == 0)
            throw new InputException($"stage '{name}': no text reached it, so there is nothing to judge on");
        meter.Count("windows", text.Windows.Count);
        meter.Count("bytes", text.Bytes);

        var runner = new EvaluationRunner(device, run.Tokenizers, run.Storage, meter, options.BatchTokens, ranks, StopIfAsked, run.Definition.StrictPositions);
        EvaluationReport report = await runner.RunAsync(plan, text, cancellationToken);
        if (ranks.Rank > 0)
            return;
        run.Storage.WriteAtomically(
            run.Output(ReportOf(options)), stream => stream.Write(EvaluationTable.ToJson(report)));
        foreach (string line in EvaluationTable.Lines(report))
            meter.Say(line);
    }

    private static string ReportOf(EvaluateOptions options) => Path.Combine("report", options.To + ".json");

    private void StopIfAsked()
    {
        if (stopRequested.IsCancellationRequested)
            throw new InterruptedException("stopped while judging; the same command starts judging again");
    }
}
