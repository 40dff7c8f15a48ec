using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Teacher;

/// <summary>A teacher's folder and, from the first score on, its weights in memory.</summary>
internal sealed class TeacherModel(string folder, TextTokenizer tokenizer, IStorage storage, TorchDevice device) : IDisposable
{
    private readonly Lazy<string> _weightsFingerprint = new(() => ModelFingerprint.Of(folder, storage));
    private LoadedTeacher? _loaded;

    /// <summary>A hash of the weights and of the configuration: part of what a shard says it was made from.</summary>
    public string WeightsFingerprint => _weightsFingerprint.Value;

    public Task<IReadOnlyList<(TeacherScores Scores, TeacherHidden? Hidden)>> ScoreAsync(
        IReadOnlyList<int[]> rows, IReadOnlyList<int[]> hiddenAt, IReadOnlyList<int> hiddenLayers, CancellationToken cancellationToken)
        => device.RunAsync(() => new TeacherScorer(Load(), hiddenLayers).Score(rows, hiddenAt), cancellationToken);

    /// <summary>The weights in memory, read when they are not. On the device's thread; they stay this object's.</summary>
    public LoadedTeacher Load()
    {
        if (_loaded is not null) return _loaded;
        CausalLm model = CausalLm.Load(folder, storage, device.Device, device.ComputeType);
        return _loaded = new LoadedTeacher(
            model,
            BoundaryMask.Of(tokenizer, model.Config.VocabularySize, device.Device),
            Math.Min(tokenizer.VocabularySize, model.Config.VocabularySize),
            ExpandedInput.TryLoad(folder, tokenizer, storage, device.Device, device.ComputeType));
    }

    /// <summary>Gives the weights back; the next score loads them again.</summary>
    public void Dispose()
    {
        if (_loaded is null) return;
        device.RunAsync(() =>
        {
            _loaded?.Dispose();
            _loaded = null;
        }).GetAwaiter().GetResult();
    }
}
