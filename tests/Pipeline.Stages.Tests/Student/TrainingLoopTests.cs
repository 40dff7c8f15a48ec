using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Student;

namespace Pipeline.Stages.Tests.Student;

public sealed class TrainingLoopTests
{
    private static readonly TrainingState Start = new(0, default, 0, 1, []);

    [Theory]
    [InlineData(10, 4, "4 8 10")]
    [InlineData(8, 4, "4 8")]
    [InlineData(3, 100, "3")]
    [InlineData(0, 100, "0")]
    public async Task A_checkpoint_is_written_at_every_so_many_steps_and_at_the_end(int steps, int every, string saved)
    {
        var training = new Recorded();
        TrainingState end = await Loop(training, steps, every).RunAsync(Start, isSaved: false, default);
        Assert.Equal(steps, end.Step);
        Assert.Equal(saved, string.Join(' ', training.Saved.Select(s => s.Step)));
        Assert.All(training.Saved, s => Assert.Equal(new StreamPosition(s.Step, 0), s.Position));
    }

    [Fact]
    public async Task A_finished_run_that_goes_on_does_and_writes_nothing()
    {
        var training = new Recorded();
        TrainingState end = await Loop(training, 5, 2).RunAsync(Start with { Step = 5 }, isSaved: true, default);
        Assert.Equal((5, 0, 0), (end.Step, training.Steps.Count, training.Saved.Count));
    }

    [Fact]
    public async Task Asked_to_stop_it_finishes_the_step_writes_it_and_says_so()
    {
        using var stop = new CancellationTokenSource();
        var training = new Recorded { OnStep = step => { if (step == 2) stop.Cancel(); } };
        InterruptedException stopped = await Assert.ThrowsAsync<InterruptedException>(() => Loop(training, 9, 100, stop: stop.Token).RunAsync(Start, isSaved: false, default));
        Assert.Contains("after step 3 of 9", stopped.Message, StringComparison.Ordinal);
        Assert.Equal([3L], training.Saved.Select(s => s.Step));
    }

    [Fact]
    public async Task Asked_to_stop_in_the_last_step_it_is_done()
    {
        using var stop = new CancellationTokenSource();
        var training = new Recorded { OnStep = step => { if (step == 4) stop.Cancel(); } };
        Assert.Equal(5, (await Loop(training, 5, 100, stop: stop.Token).RunAsync(Start, isSaved: false, default)).Step);
    }

    [Fact]
    public async Task Too_many_steps_that_come_to_nothing_end_it_at_the_last_checkpoint()
    {
        var training = new Recorded { IsFinite = step => step is not (1 or 3 or 4) };
        InputException failed = await Assert.ThrowsAsync<InputException>(() => Loop(training, 9, 4, skipped: 2).RunAsync(Start, isSaved: false, default));
        Assert.Contains("3 steps had a loss or gradient that is not finite, 2 are allowed; stopped at step 5", failed.Message, StringComparison.Ordinal);
        Assert.Contains(new DocumentId(1, 4, 0).ToString(), failed.Message, StringComparison.Ordinal);
        Assert.Equal([(4L, 2L)], training.Saved.Select(s => (s.Step, s.Skipped)));
    }

    [Fact]
    public async Task Examples_that_end_too_early_are_said_with_what_helps()
    {
        var training = new Recorded { Batches = 6 };
        InputException failed = await Assert.ThrowsAsync<InputException>(() => Loop(training, 9, 4).RunAsync(Start, isSaved: false, default));
        Assert.Contains("ended after 6 of 9 steps; raise read-shards.epochs", failed.Message, StringComparison.Ordinal);
    }

    private static TrainingLoop Loop(ITraining training, int steps, int every, int skipped = 10, CancellationToken stop = default)
        => new(new UpdateStudentOptions { To = "student", Objectives = new ObjectivesOptions(), Steps = steps, CheckpointEvery = every, MaxSkippedSteps = skipped }, "train", training, () => stop.IsCancellationRequested);

    private sealed class Recorded : ITraining
    {
        public List<long> Steps { get; } = [];

        public List<TrainingState> Saved { get; } = [];

        public int Batches { get; init; } = int.MaxValue;

        public Action<long> OnStep { get; init; } = static _ => { };

        public Func<long, bool> IsFinite { get; init; } = static _ => true;

        public Task<StepOutcome?> StepAsync(long step, CancellationToken cancellationToken)
        {
            if (Steps.Count == Batches)
                return Task.FromResult<StepOutcome?>(null);
            Assert.Equal(Steps.Count, step);
            Steps.Add(step);
            OnStep(step);
            return Task.FromResult<StepOutcome?>(new StepOutcome(new StreamPosition(step + 1, 0), IsFinite(step), [new DocumentId(1, (int)step, 0)]));
        }

        public Task SaveAsync(TrainingState state, CancellationToken cancellationToken)
        {
            Saved.Add(state);
            return Task.CompletedTask;
        }
    }
}
