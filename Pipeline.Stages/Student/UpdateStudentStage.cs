using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Language;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// Trains the student on batches and writes it as a Hugging Face folder. Its state between steps is a step number and a position in the
/// order of examples; with the weights and the optimizer's state that is what a checkpoint holds.
/// </summary>
internal sealed class UpdateStudentStage : ISink<StudentBatch>, IResumable, IPlanned
{
    private readonly UpdateStudentOptions _options;
    private readonly StageContext _context;
    private readonly TorchDevice _device;
    private readonly TrainingCheckpoints _checkpoints;
    private readonly TrainingState? _resumed;
    private readonly OnlineScores? _scores;

    public UpdateStudentStage(UpdateStudentOptions options, StageContext context)
    {
        _options = options;
        _context = context.With(options.Student);
        _device = context.Service<TorchDevice>();
        _checkpoints = new TrainingCheckpoints(options, _context);
        _resumed = _checkpoints.LatestState();
        if (StudentObjectives.ScoreOnline(options.Objectives)) _scores = new OnlineScores(Teacher("alm.scores 'online' needs"));
    }

    public StagePlan Plan(long? records) => StudentPlan.Of(_options, _context);

    public StreamPosition ResumeAt => _resumed?.Position ?? default;

    public async Task RunAsync(IAsyncEnumerable<StudentBatch> input, CancellationToken cancellationToken)
    {
        foreach (DamagedException skipped in _checkpoints.Skipped) _context.Meter.Say(skipped.Message);
        // A student that learns from shards has no use for the teacher's weights.
        if (!StudentObjectives.NeedTeacher(_options.Objectives) && _scores is null) await _context.Service<TeacherStore>().ReleaseAsync().ConfigureAwait(false);
        LanguageModel student = await _device.RunAsync(() => StudentFactory.Create(_context, _device), cancellationToken).ConfigureAwait(false);
        Trainer? trainer = null;
        try
        {
            await _device.RunAsync(() => InitialStudent.Ensure(student, _options.To, _context), cancellationToken).ConfigureAwait(false);
            await using IAsyncEnumerator<StudentBatch> source = input.GetAsyncEnumerator(cancellationToken);
            // The first batch says whether the shards hold the hidden states that objectives read.
            StudentBatch? first = (_resumed?.Step ?? 0) < _options.Steps && await source.MoveNextAsync().ConfigureAwait(false) ? source.Current : null;
            trainer = await _device.RunAsync(() => Begin(student, first), cancellationToken).ConfigureAwait(false);
            TrainingState state = await Train(trainer, first, source, cancellationToken).ConfigureAwait(false);
            await _device.RunAsync(() => StudentExport.Write(student, _options, _context), cancellationToken).ConfigureAwait(false);
            _context.Meter.Say($"wrote {_options.To} after {state.Step} steps");
        }
        finally
        {
            await _device.RunAsync(() =>
            {
                trainer?.Dispose();
                student.Dispose();
            }, CancellationToken.None).ConfigureAwait(false);
        }
    }

    private Trainer Begin(LanguageModel student, StudentBatch? first)
    {
        TrainedParameters.Choose(student, _options, _context.Definition.Seed);
        StudentObjectives objectives = StudentObjectives.Create(_options.Objectives, student.Model.Config, _context, student.Device);
        var trainer = new Trainer(_options, student, objectives, first is not null && objectives.NeedTeacher(objectives.Tables(first)) ? Beside(objectives.All) : null);
        if (_resumed is not null) _checkpoints.Restore(trainer, _resumed);
        return trainer;
    }

    private OnlineTeacher Beside(IReadOnlyList<IObjective> objectives) => new(
        Teacher($"{string.Join(", ", objectives.Select(o => o.Name))} need") as TorchTeacher ?? throw new DefinitionException(
            $"stage '{_context.StageName}': its objectives need the teacher beside the student, which backend '{_context.Definition.Teacher?.Backend}' does not give; expected '{TeacherDefinition.DefaultBackend}'"),
        [.. objectives.SelectMany(o => o.TeacherLayers)],
        objectives.Any(o => o.Needs.HasFlag(ObjectiveNeeds.TeacherOnline)));

    private ITeacher Teacher(string whoNeeds) => _context.Definition.Teacher is not null
        ? _context.Service<TeacherStore>().Get(_context)
        : throw new DefinitionException($"stage '{_context.StageName}': {whoNeeds} the teacher beside the student, and the definition has no \"teacher\"");

    private async Task<TrainingState> Train(Trainer trainer, StudentBatch? first, IAsyncEnumerator<StudentBatch> source, CancellationToken cancellationToken)
    {
        TrainingState state = _resumed ?? new TrainingState(0, default, 0, _device.Threads, []);
        if (_resumed is not null) _context.Meter.Say($"going on from step {state.Step} of {_options.Steps}");
        var batches = new List<(StudentBatch Batch, BatchTables Tables)>(_options.Accumulate);
        long saved = _resumed?.Step ?? -1;
        while (state.Step < _options.Steps)
        {
            batches.Clear();
            while (batches.Count < _options.Accumulate && (first is not null || await source.MoveNextAsync().ConfigureAwait(false)))
            {
                StudentBatch batch = first ?? source.Current;
                first = null;
                if (_scores is not null) batch = await _scores.ScoreAsync(batch, cancellationToken).ConfigureAwait(false);
                batches.Add((batch, trainer.Tables(batch)));
            }
            if (batches.Count < _options.Accumulate)
            {
                throw new InputException(
                    $"{_context.StageName}: the examples ended after {state.Step} of {_options.Steps} steps; raise read-shards.epochs (0 goes round for ever), or lower steps");
            }

            StepReport report;
            try
            {
                report = await _device.RunAsync(() => trainer.Step(batches, state.Step), cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (MemoryExhaustion.Is(e))
            {
                throw OutOfMemory(e, state, batches);
            }
            state = state with { Step = state.Step + 1, Position = batches[^1].Batch.Next, Skipped = state.Skipped + (report.Applied ? 0 : 1) };
            Report(report, trainer.Names, batches, state);
            if (state.Skipped > _options.MaxSkippedSteps) throw NotFinite(state, batches);

            bool stop = _context.StopRequested.IsCancellationRequested;
            if (state.Step % _options.CheckpointEvery == 0 || state.Step == _options.Steps || stop)
            {
                await _device.RunAsync(() => _checkpoints.Write(trainer, state), cancellationToken).ConfigureAwait(false);
                saved = state.Step;
            }
            if (stop && state.Step < _options.Steps)
                throw new InterruptedException($"stopped after step {state.Step} of {_options.Steps}; the checkpoint is written: run the same command to go on");
        }
        if (saved != state.Step) await _device.RunAsync(() => _checkpoints.Write(trainer, state), cancellationToken).ConfigureAwait(false);
        return state;
    }

    private void Report(StepReport report, string[] names, List<(StudentBatch Batch, BatchTables Tables)> batches, TrainingState state)
    {
        _context.Meter.Progress(state.Step, _options.Steps);
        _context.Meter.Count("tokens", batches.Sum(b => b.Batch.Tokens));
        int straddling = batches.Sum(b => b.Tables.Alm?.Straddling ?? 0);
        if (straddling > 0) _context.Meter.Count("straddlingChunks", straddling);
        if (!report.Applied)
        {
            _context.Meter.Count("skippedSteps", 1);
            _context.Meter.Say($"step {state.Step} skipped: loss or gradient is not finite (norm {report.GradientNorm})");
        }
        if (state.Step % _options.LogEvery != 0 && state.Step != _options.Steps) return;
        for (int k = 0; k < names.Length; k++)
        {
            _context.Meter.Scalar($"loss/{names[k]}", state.Step, report.Losses[k]);
            _context.Meter.Scalar($"weight/{names[k]}", state.Step, report.Weights[k]);
        }
        _context.Meter.Scalar("gradientNorm", state.Step, report.GradientNorm);
        _context.Meter.Scalar("learningRate", state.Step, report.LearningRate);
    }

    private MemoryException OutOfMemory(Exception e, TrainingState state, List<(StudentBatch Batch, BatchTables Tables)> batches)
    {
        StudentBatch largest = batches.Select(b => b.Batch).MaxBy(b => (long)b.Examples.Length * b.Length)!;
        return MemoryExhaustion.At(
            $"stage '{_context.StageName}', step {state.Step + 1}, batch of {largest.Examples.Length} documents of up to {largest.Length} tokens from {largest.Examples[0].Id} on", e,
            $"lower tokens of batch (a larger accumulate, now {_options.Accumulate}, makes up for it){(_options.ActivationCheckpointing ? "" : ", or set activationCheckpointing")}; the last checkpoint is kept");
    }

    private InputException NotFinite(TrainingState state, List<(StudentBatch Batch, BatchTables Tables)> batches)
    {
        string documents = string.Join(", ", batches.SelectMany(b => b.Batch.Examples).Take(10).Select(e => e.Id.ToString()));
        return new InputException(
            $"{_context.StageName}: {state.Skipped} steps had a loss or gradient that is not finite, {_options.MaxSkippedSteps} are allowed; stopped at step {state.Step}, "
            + $"the last checkpoint is kept. Documents of its batches: {documents}. Lower learningRate, or raise maxSkippedSteps");
    }
}
