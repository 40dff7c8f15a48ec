using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Student;

/// <summary>
/// The course of a training run: steps until there are enough, a checkpoint at regular intervals, at the end and when the run is asked to
/// stop (<c>stops</c> is asked once per step), and an end when too many steps came to nothing. Knows nothing of models, tensors or files.
/// </summary>
internal sealed class TrainingLoop(UpdateStudentOptions options, string stage, ITraining training, Func<bool> stops)
{
    /// <summary>Continues from a state to the last step.</summary>
    /// <param name="state">Where training stands.</param>
    /// <param name="isSaved">Whether a checkpoint of it exists.</param>
    /// <param name="cancellationToken">Ends it without a checkpoint.</param>
    /// <exception cref="InterruptedException">It was asked to stop; the checkpoint is written.</exception>
    /// <exception cref="InputException">There are too few examples, or too many steps were not finite.</exception>
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
