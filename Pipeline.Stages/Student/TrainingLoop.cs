using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Student;

/// <summary>
/// The course of a training run: the steps, a checkpoint at regular intervals, at the end and when the run is asked to stop, and an error when too
/// many steps were skipped. It knows nothing of models, tensors or files.
/// </summary>
/// <param name="options">The stage's options.</param>
/// <param name="stage">The stage's name, for errors.</param>
/// <param name="training">Makes the steps and the checkpoints.</param>
/// <param name="stops">Whether the run is asked to stop. It is called once after each step.</param>
internal sealed class TrainingLoop(UpdateStudentOptions options, string stage, ITraining training, Func<bool> stops)
{
    /// <summary>Trains from a state up to the last step.</summary>
    /// <param name="state">The state to continue from.</param>
    /// <param name="isSaved">Whether this state has a checkpoint already.</param>
    /// <param name="cancellationToken">Ends the training without a checkpoint.</param>
    /// <returns>The state after the last step, of which there is a checkpoint.</returns>
    /// <exception cref="InterruptedException">The run was asked to stop, and the checkpoint is written.</exception>
    /// <exception cref="InputException">There are too few examples, or the loss or gradient of too many steps was not finite.</exception>
    public async Task<TrainingState> RunAsync(TrainingState state, bool isSaved, CancellationToken cancellationToken)
    {
        long? saved = isSaved ? state.Step : null;
        while (state.Step < options.Steps)
        {
            StepOutcome outcome = await training.StepAsync(state.Step, cancellationToken).ConfigureAwait(false) ?? throw TooFew(state);
            state = state with { Step = state.Step + 1, Position = outcome.Next, Skipped = state.Skipped + (outcome.Applied ? 0 : 1) };
            if (state.Skipped > options.MaxSkippedSteps) throw NotFinite(state, outcome, saved);

            bool stop = stops();
            isSaved = state.Step % options.CheckpointEvery == 0 || state.Step == options.Steps || stop;
            if (isSaved)
            {
                await training.SaveAsync(state, cancellationToken).ConfigureAwait(false);
                saved = state.Step;
            }
            if (stop && state.Step < options.Steps)
                throw new InterruptedException($"stopped after step {state.Step} of {options.Steps}; the checkpoint is written: run the same command to continue") { IsAgreed = true };
        }
        if (!isSaved) await training.SaveAsync(state, cancellationToken).ConfigureAwait(false);
        return state;
    }

    private InputException TooFew(TrainingState state) => new(
        $"{stage}: the examples ended after {state.Step} of {options.Steps} steps; raise read-shards.epochs (0 never ends), or lower steps");

    private InputException NotFinite(TrainingState state, StepOutcome last, long? saved) => new(
        $"{stage}: {state.Skipped} steps had a loss or gradient that is not finite, {options.MaxSkippedSteps} are allowed; stopped at step {state.Step}, "
        + $"{TrainingCheckpoints.Kept(saved)}. Documents of its batches: {string.Join(", ", last.Documents.Take(10))}. Lower learningRate, or raise maxSkippedSteps");
}
