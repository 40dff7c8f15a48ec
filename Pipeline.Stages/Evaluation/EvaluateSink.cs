using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Evaluation;

/// <summary>Judges models in bits per byte on the text that reaches it, one model in memory at a time but for ensembles.</summary>
internal sealed class EvaluateSink(EvaluateOptions options, StageContext context) : ISink<TextDocument>, IEndsEarly
{
    public static StageRegistration Registration { get; } = StageRegistration.Sink<EvaluateOptions, TextDocument>(
        "evaluate", "Judges models by bits per byte on the same windows of text and writes a report.", static (o, c) => new EvaluateSink(o, c));

    public async Task RunAsync(IAsyncEnumerable<TextDocument> input, CancellationToken cancellationToken)
    {
        if (options.Models.Any(m => m.Model == InitialStudent.Name))
            await InitialStudent.EnsureAsync(context, cancellationToken);
        EvaluationPlan plan = EvaluationPlan.Make(options, context);
        var tokenizers = context.Service<TokenizerStore>();
        IReadOnlyList<TextTokenizer> sides = [.. plan.Models.Select(m => tokenizers.Get(m.Tokenizer)).DistinctBy(t => t.Fingerprint)];
        var text = new HeldOutText(options.WindowBytes, options.MaxBytes, sides, keepOffsets: plan.Agreement is not null);
        await foreach (TextDocument document in input.WithCancellation(cancellationToken))
        {
            StopIfAsked();
            if (!text.Add(document, context.Rejects))
                break;
        }
        if (text.Bytes == 0)
            throw new InputException($"stage '{context.StageName}': no text reached it, so there is nothing to judge by");
        context.Meter.Count("windows", text.Windows.Count);
        context.Meter.Count("bytes", text.Bytes);

        var runner = new EvaluationRunner(context.Service<TorchDevice>(), tokenizers, context, options.BatchTokens, StopIfAsked);
        EvaluationReport report = await runner.RunAsync(plan, text, cancellationToken);
        context.Storage.WriteAtomically(
            RunPaths.Output(context.RunFolder, Path.Combine("report", options.To + ".json")), stream => stream.Write(EvaluationTable.ToJson(report)));
        foreach (string line in EvaluationTable.Lines(report))
            context.Meter.Say(line);
    }

    private void StopIfAsked()
    {
        if (context.StopRequested.IsCancellationRequested)
            throw new InterruptedException("stopped while judging, which begins again with the same command");
    }
}
