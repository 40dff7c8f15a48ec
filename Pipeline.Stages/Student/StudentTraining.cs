using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Student;

/// <summary>The steps of a <see cref="Trainer"/>, made on its device, with their metrics and their checkpoints.</summary>
internal sealed class StudentTraining(
    UpdateStudentOptions options, string stage, IStageMeter meter, TorchDevice device, Trainer trainer, StepBatches source, TrainingCheckpoints checkpoints,
    IRanks ranks) : ITraining
{
    public async Task<StepOutcome?> StepAsync(long step, CancellationToken cancellationToken)
    {
        if (await source.NextAsync(trainer.Tables, trainer.ReadsStep, cancellationToken).ConfigureAwait(false) is not { } batches) return null;
        StepReport report;
        try
        {
            report = await device.RunAsync(() => trainer.Step(batches, step), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (MemoryExhaustion.Is(e))
        {
            throw OutOfMemory(e, step + 1, batches.Where(b => b.IsMine).Select(b => b.Batch));
        }
        Report(report, step + 1, batches);
        return new StepOutcome(batches[^1].Batch.Next, report.Applied, batches.SelectMany(b => b.Batch.Examples).Select(e => e.Id));
    }

    /// <summary>Writes a checkpoint on rank 0. All ranks take part, and return only when it is written.</summary>
    /// <exception cref="InputException">The ranks no longer have the same weights.</exception>
    public Task SaveAsync(TrainingState state, CancellationToken cancellationToken) => device.RunAsync(() =>
    {
        trainer.Agree(state.Step);
        if (ranks.Rank == 0) checkpoints.Write(trainer, state);
        else trainer.ServeFiles();
        // No rank may go on, or end, before the checkpoint is written.
        ranks.Wait();
        checkpoints.Newest = state.Step;
    }, cancellationToken);

    private void Report(StepReport report, long step, IReadOnlyList<StepPiece> batches)
    {
        meter.Progress(step, options.Steps);
        meter.Count("tokens", batches.Sum(b => b.Batch.Tokens));
        if (report.Straddling > 0) meter.Count("straddlingChunks", report.Straddling);
        if (!report.Applied)
        {
            meter.Count("skippedSteps", 1);
            meter.Say($"step {step} skipped: loss or gradient is not finite (norm {report.GradientNorm})");
        }
        if (step % options.LogEvery != 0 && step != options.Steps) return;
        for (int k = 0; k < trainer.Names.Length; k++)
        {
            meter.Scalar($"loss/{trainer.Names[k]}", step, report.Losses[k]);
            meter.Scalar($"weight/{trainer.Names[k]}", step, report.Weights[k]);
        }
        meter.Scalar("gradientNorm", step, report.GradientNorm);
        meter.Scalar("learningRate", step, report.LearningRate);
    }

    private MemoryException OutOfMemory(Exception e, long step, IEnumerable<StudentBatch> batches)
    {
        StudentBatch largest = batches.MaxBy(b => (long)b.Examples.Length * b.Length)!;
        return MemoryExhaustion.At(
            $"stage '{stage}', step {step}, batch of {largest.Examples.Length} documents of up to {largest.Length} tokens starting with {largest.Examples[0].Id}", e,
            $"lower 'tokens' of batch (and raise accumulate, now {options.Accumulate}, to make up for it){(options.ActivationCheckpointing ? "" : ", or set activationCheckpointing")}; {TrainingCheckpoints.Kept(checkpoints.Newest)}");
    }
}
