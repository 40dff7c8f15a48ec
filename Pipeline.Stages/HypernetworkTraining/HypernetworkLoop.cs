using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Student;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.HypernetworkTraining;

/// <summary>
/// The steps of a <see cref="HypernetworkTrainer"/>, made on its device, with their metrics and checkpoints. The next batch is tokenized while a step
/// is computed.
/// </summary>
internal sealed class HypernetworkLoop(
    TrainHypernetworkOptions options, string stage, IStageMeter meter, TorchDevice device, HypernetworkTrainer trainer, BatchSampler sampler,
    IAsyncEnumerator<StudentBatch> source, TrainingCheckpoints checkpoints) : ITraining
{
    private Task<SampledBatch?>? _next;
    private long _nextStep;

    public async Task<StepOutcome?> StepAsync(long step, CancellationToken cancellationToken)
    {
        SampledBatch? batch = await (_next is not null && _nextStep == step ? _next : DrawAsync(step)).ConfigureAwait(false);
        _next = null;
        if (batch is null) return null;
        if (step + 1 < options.Steps) (_next, _nextStep) = (Task.Run(() => DrawAsync(step + 1), cancellationToken), step + 1);
        StepReport report;
        try
        {
            report = await device.RunAsync(() => trainer.Step(batch, step), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (MemoryExhaustion.Is(e))
        {
            throw MemoryExhaustion.At(
                $"stage '{stage}', step {step + 1}, {batch.Examples.Length} documents of up to {batch.Tables?.Length} tokens under a sampled tokenizer of {batch.VocabularySize}", e,
                "lower 'tokens' of batch, or vocabularyRows" + (options.ActivationCheckpointing ? "" : ", or set activationCheckpointing") + $"; {TrainingCheckpoints.Kept(checkpoints.Newest)}");
        }
        Report(report, step + 1, batch);
        return new StepOutcome(batch.Next, report.Applied, batch.Examples.Select(e => e.Id));
    }

    public Task SaveAsync(TrainingState state, CancellationToken cancellationToken)
        => device.RunAsync(() =>
        {
            checkpoints.Write(trainer, state);
            checkpoints.Newest = state.Step;
        }, cancellationToken);

    /// <summary>Waits for the batch that is being prepared, because its source must not be disposed while it is read. To be called before that.</summary>
    public async Task EndAsync()
    {
        if (_next is not null) await Task.WhenAny(_next).ConfigureAwait(false);
    }

    private async Task<SampledBatch?> DrawAsync(long step)
        => await source.MoveNextAsync().ConfigureAwait(false) ? sampler.At(step, source.Current) : null;

    private void Report(StepReport report, long step, SampledBatch batch)
    {
        meter.Progress(step, options.Steps);
        meter.Count("tokens", batch.Examples.Sum(e => (long)e.Student.Count));
        meter.Count($"{batch.Kind.ToString().ToLowerInvariant()}Tokenizers", 1);
        meter.Count("tokensCut", batch.Forms.Truncated);
        foreach ((string reason, int count) in batch.Dropped) meter.Count($"left out: {reason}", count);
        if (!report.Applied)
        {
            meter.Count("skippedSteps", 1);
            meter.Say($"step {step} skipped: loss or gradient is not finite (norm {report.GradientNorm})");
        }
        if (step % options.LogEvery != 0 && step != options.Steps) return;
        for (int k = 0; k < trainer.Names.Length; k++) meter.Scalar($"loss/{trainer.Names[k]}", step, report.Losses[k]);
        meter.Scalar("gradientNorm", step, report.GradientNorm);
        meter.Scalar("learningRate", step, report.LearningRate);
        meter.Scalar("vocabulary", step, batch.VocabularySize);
    }
}
