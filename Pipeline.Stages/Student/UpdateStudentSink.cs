using System.Numerics;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// Trains the student on batches and writes it as a Hugging Face folder. Between two steps, its state is the number of steps and a position in the
/// order of examples. A checkpoint holds these, the weights, and the optimizer's state.
/// </summary>
internal sealed class UpdateStudentSink : ISink<StudentBatch>, IResumable, IPlanned
{
    private readonly UpdateStudentOptions _options;
    private readonly string _name;
    private readonly RunSite _run;
    private readonly FlowFacts _facts;
    private readonly TorchDevice _device;
    private readonly TeacherStore _teachers;
    private readonly Func<ITeacher> _teacher;
    private readonly IStageMeter _meter;
    private readonly CancellationToken _stopRequested;
    private readonly IRanks _ranks;
    private readonly TrainingCheckpoints _checkpoints;
    private readonly TrainingState? _resumed;
    private readonly OnlineScores? _scores;

    public UpdateStudentSink(
        UpdateStudentOptions options, string name, RunSite run, FlowFacts facts, TorchDevice device, TeacherStore teachers, Func<ITeacher> teacher, IStageMeter meter,
        CancellationToken stopRequested, IRanks? ranks = null)
    {
        _ranks = ranks ?? OneRank.Instance;
        (_options, _name, _facts, _device, _teachers, _teacher, _meter, _stopRequested) = (options, name, facts, device, teachers, teacher, meter, stopRequested);
        _run = run.With(options.Student);
        _checkpoints = new TrainingCheckpoints(options, _run);
        _resumed = _checkpoints.LatestState();
        if (StudentObjectives.ScoreOnline(options.Objectives)) _scores = new OnlineScores(Teacher("alm.scores 'online' needs"));
    }

    public static StageRegistration Registration { get; } = StageRegistration.Sink<UpdateStudentOptions, StudentBatch, UpdateStudentSink>(
        "update-student",
        "Trains the student on the objectives and writes it as a Hugging Face folder.",
        static (o, c) => new UpdateStudentSink(
            o, c.StageName, RunSite.Of(c), c.Facts, c.Service<TorchDevice>(), c.Service<TeacherStore>(), () => c.Service<TeacherStore>().Get(c), c.Meter, c.StopRequested, c.Service<IRanks>()))
        .Telling<UpdateStudentOptions>(static (o, facts) => facts with { Student = o.Student })
        .Writing<UpdateStudentOptions>(Outputs)
        .Ruled<UpdateStudentOptions>(UpdateStudentRules.Of) with
    { Needs = StageNeeds.Student, IsRanked = true };

    public StagePlan Plan(long? records) => StudentPlan.Of(_options, _run, _facts);

    public StreamPosition ResumeAt => _resumed?.Position ?? default;

    public async Task RunAsync(IAsyncEnumerable<StudentBatch> input, CancellationToken cancellationToken)
    {
        if (!BitOperations.IsPow2(_options.Slots) || _options.Slots % _ranks.Count != 0)
            throw new DefinitionException($"stage '{_name}': 'slots' is {_options.Slots}, expected a power of two that the {_ranks.Count} rank(s) divide. It affects the result, so choose it for the largest number of ranks that may ever train the student");
        StudentBytes.Require(_options.Objectives, _run, _facts, _name);
        _ranks.Agree("the checkpoint to continue from", $"{_resumed?.Step}");
        foreach (DamagedException skipped in _checkpoints.Skipped) _meter.Say(skipped.Message);
        // A student that trains on shards alone does not need the teacher, whose weights may still be loaded from an earlier flow.
        if (!StudentObjectives.NeedTeacher(_options.Objectives) && _scores is null) await _teachers.ReleaseAsync().ConfigureAwait(false);
        LanguageModel student = await _device.RunAsync(() => StudentFactory.Create(_run, _device), cancellationToken).ConfigureAwait(false);
        Trainer? trainer = null;
        try
        {
            await _device.RunAsync(() => NotFinite.RefuseBeyond(student.Model, StudentExport.TorchType(_options.Dtype)), cancellationToken).ConfigureAwait(false);
            foreach (string remark in student.Remarks) _meter.Say(remark);
            student.Model.LimitPositions("the student", _run.Definition.StrictPositions, _ranks.Rank == 0 ? _meter.Say : null);
            StudentExport.Check(student, _options);
            if (_resumed is null && NumeralsDiffer(student) is { } numerals) _meter.Say(numerals);
            if (_ranks.Rank == 0) await _device.RunAsync(() => InitialStudent.Ensure(student, _options.To, _run), cancellationToken).ConfigureAwait(false);
            await using IAsyncEnumerator<StudentBatch> source = input.GetAsyncEnumerator(cancellationToken);
            var batches = new StepBatches(source, new StepSlots(_options.Slots, _options.Accumulate, _ranks.Rank, _ranks.Count), _scores);
            TrainingState state = _resumed ?? new TrainingState(0, default, 0, _device.Threads, []);
            // The first batch shows whether the shards hold the hidden states that objectives read. If not, a teacher has to run alongside.
            StudentBatch? first = state.Step < _options.Steps ? await batches.PeekAsync().ConfigureAwait(false) : null;
            trainer = await _device.RunAsync(() => CreateTrainer(student, first), cancellationToken).ConfigureAwait(false);
            if (_resumed is not null) _meter.Say($"continuing from step {state.Step} of {_options.Steps}");
            var training = new StudentTraining(_options, _name, _meter, _device, trainer, batches, _checkpoints, _ranks);
            state = await new TrainingLoop(_options, _name, training, () => _ranks.Any(_stopRequested.IsCancellationRequested)).RunAsync(state, isSaved: _resumed is not null, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<string> remarks = _ranks.Rank == 0 ? await _device.RunAsync(() => StudentExport.Write(student, _options, _run), cancellationToken).ConfigureAwait(false) : [];
            _ranks.Wait();
            _meter.Say($"wrote {_options.To} after {state.Step} steps");
            foreach (string remark in remarks) _meter.Say($"{_options.To} as GGUF: {remark}");
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

    /// <summary>
    /// A description of how the new vocabulary writes numbers, if it writes them differently from the one that the student's weights were trained
    /// with; otherwise null.
    /// </summary>
    private string? NumeralsDiffer(LanguageModel student)
    {
        if (_run.Definition.Student is not { Model: { } model, Tokenizer: not null }) return null;
        NumeralsAudit audit = NumeralsAudit.Of(_run.Tokenizers.Get(_run.Input(model)), student.Tokenizer);
        return audit.Differ ? audit.Describe() : null;
    }

    private Trainer CreateTrainer(LanguageModel student, StudentBatch? first)
    {
        TrainedParameters.Choose(student, _options, _run.Definition.Seed);
        StudentObjectives objectives = StudentObjectives.Create(_options.Objectives, student.Model.Config, _run, _teacher, student.Device);
        var trainer = new Trainer(_options, student, objectives, first is not null && objectives.NeedTeacher(objectives.Tables(first)) ? CreateOnlineTeacher(objectives.All, student.Device) : null, _ranks);
        if (_resumed is not null) _checkpoints.Restore(trainer, _resumed, writes: _ranks.Rank == 0);
        return trainer;
    }

    private OnlineTeacher CreateOnlineTeacher(IReadOnlyList<IObjective> objectives, TorchSharp.torch.Device device) => new(
        Teacher($"{string.Join(", ", objectives.Select(o => o.Name))} need") as TorchTeacher ?? throw new DefinitionException(
            $"stage '{_name}': its objectives need a teacher running alongside the student, which backend '{_run.Definition.Teacher?.Backend}' does not provide; expected '{TeacherDefinition.DefaultBackend}'"),
        [.. objectives.SelectMany(o => o.TeacherLayers)],
        objectives.Any(o => o.Needs.HasFlag(ObjectiveNeeds.TeacherOnline)),
        device);

    private ITeacher Teacher(string whoNeeds) => _run.Definition.Teacher is not null
        ? _teacher()
        : throw new DefinitionException($"stage '{_name}': {whoNeeds} a teacher running alongside the student, but the definition has no \"teacher\"");

    private static IEnumerable<StageOutput> Outputs(UpdateStudentOptions options)
    {
        StageOutput Model(string to, bool isBeginning = false) => new("to", to, OutputKind.Model) { Student = options.Student, IsBeginning = isBeginning };
        yield return Model(options.To);
        yield return Model(InitialStudent.NameOf(options.To), isBeginning: true);
        if (options.ExportWithoutExpansion) yield return Model(options.To + StudentExport.PlainSuffix);
        if (options.ExportAdapter) yield return new StageOutput("to", options.To + StudentExport.AdapterSuffix, OutputKind.Adapter);
        yield return TrainingCheckpoints.Output(options.To);
    }
}
