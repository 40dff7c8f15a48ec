using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Checkpoints;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Sides;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>The checkpoints of a training run: the trained weights, the optimizer's state, and the position of the training.</summary>
internal sealed class TrainingCheckpoints
{
    private const string WeightsFile = "weights.safetensors";
    private const string OptimizerFile = "optimizer.safetensors";
    private const string Folder = "checkpoints";

    private readonly IStorage _storage;
    private readonly string _folder;
    private readonly CheckpointWriter _writer;
    private Checkpoint? _latest;

    public TrainingCheckpoints(UpdateStudentOptions options, RunSite run)
    {
        _storage = run.Storage;
        _folder = run.Output(Path.Combine(Folder, options.To));
        _writer = new CheckpointWriter(run.Storage, _folder, options.KeepCheckpoints);
    }

    /// <summary>The folder of the checkpoints of a stage that writes to <paramref name="to"/>.</summary>
    public static StageOutput Output(string to) => new("to", Path.Combine(Folder, to), OutputKind.Model) { IsState = true };

    /// <summary>
    /// The state of the newest checkpoint whose checksums are right; null when there is none. This deletes nothing, because a stage is also created
    /// for planning. Newer, damaged checkpoints are deleted when training continues from this one.
    /// </summary>
    public TrainingState? LatestState()
    {
        CheckpointSearch search = CheckpointSet.FindLatest(_storage, _folder);
        Skipped = search.Skipped;
        _latest = search.Latest;
        TrainingState? state = _latest is null ? null : TrainingState.Parse(_latest.ReadState(), _latest.Folder);
        Newest = state?.Step;
        return state;
    }

    /// <summary>The checkpoints that are newer than the one that <see cref="LatestState"/> found, but damaged.</summary>
    public IReadOnlyList<DamagedException> Skipped { get; private set; } = [];

    /// <summary>The step of the newest checkpoint on disk, whichever rank wrote it; null when there is none.</summary>
    public long? Newest { get; set; }

    /// <summary>A clause for errors that end the training: it says what a later run can continue from.</summary>
    public static string Kept(long? newest)
        => newest is { } step ? $"the checkpoint of step {step} is kept" : "no checkpoint was written yet, so training starts again";

    /// <summary>Writes a checkpoint. To be called on rank 0, on the device's thread.</summary>
    public void Write(ITrained trainer, TrainingState state)
        => _writer.Write(
            state.Step,
            (state with { Rule = trainer.Rule.SaveState() }).ToJson(),
            (WeightsFile, stream => SafetensorsWriter.Write(stream, trainer.WeightFile)),
            (OptimizerFile, stream => SafetensorsWriter.Write(stream, trainer.OptimizerFile)));

    /// <summary>
    /// Loads the newest checkpoint into a new trainer. To be called on the device's thread, after <see cref="LatestState"/> has found a checkpoint.
    /// </summary>
    /// <param name="trainer">A trainer for the same definition.</param>
    /// <param name="state">What <see cref="LatestState"/> returned.</param>
    /// <param name="writes">
    /// Whether this process is the one that writes checkpoints. It then also deletes those that are newer and those that are too many.
    /// </param>
    /// <exception cref="InputException">The weights or the optimizer's state do not fit the trainer.</exception>
    public void Restore(ITrained trainer, TrainingState state, bool writes = true)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        using SafetensorsFile weights = SafetensorsFile.Open(_latest!.PathOf(WeightsFile), _storage);
        using SafetensorsFile optimizer = SafetensorsFile.Open(_latest.PathOf(OptimizerFile), _storage);
        foreach ((string name, Tensor tensor) in trainer.Weights)
        {
            if (!weights.Contains(name))
                throw new InputException($"{_latest.Folder}: no weights of '{name}'; the checkpoint belongs to another model, or other weights were trained: use another run folder");
            if (!weights.Entry(name).Shape.SequenceEqual(tensor.shape))
                throw new InputException($"{_latest.Folder}: '{name}' is [{string.Join(",", weights.Entry(name).Shape)}], the model's is [{string.Join(",", tensor.shape)}]; the checkpoint belongs to another model: use another run folder");
            tensor.copy_(weights.View(name));
        }
        trainer.WeightsChanged();
        trainer.Optimizer.State = [.. optimizer.Entries.Where(entry => trainer.Keeps(entry.Name)).Select(entry => (entry.Name, optimizer.View(entry.Name)))];
        trainer.Rule.RestoreState(state.Rule);
        // Deleting has to wait until here, because <see cref="LatestState"/> is also called for planning.
        if (writes) _writer.Settle(state.Step);
    }
}
