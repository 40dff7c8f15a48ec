using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Teacher;

/// <summary>A teacher's folder and, from the first score on, its weights in memory.</summary>
internal sealed class TeacherModel(string folder, TextTokenizer tokenizer, IStorage storage, TorchDevice device) : IDisposable
{
    private readonly Lazy<string> _weightsFingerprint = new(() => ModelFingerprint.Of(folder, storage));
    private CausalLm? _model;
    private Tensor? _boundaryMask_V;

    /// <summary>A hash of the weights and of the configuration: part of what a shard says it was made from.</summary>
    public string WeightsFingerprint => _weightsFingerprint.Value;

    public Task<IReadOnlyList<(TeacherScores Scores, TeacherHidden? Hidden)>> ScoreAsync(
        IReadOnlyList<int[]> rows, IReadOnlyList<int[]> hiddenAt, IReadOnlyList<int> hiddenLayers, CancellationToken cancellationToken)
        => device.RunAsync(() =>
        {
            CausalLm model = Load();
            return new TeacherScorer(model, _boundaryMask_V!, tokenizer.VocabularySize, hiddenLayers).Score(rows, hiddenAt);
        }, cancellationToken);

    private CausalLm Load()
    {
        if (_model is not null) return _model;
        CausalLm model = CausalLm.Load(folder, storage, device.Device, device.ComputeType);
        _boundaryMask_V = BoundaryTokens.MaskOf(tokenizer, model.Config.VocabularySize, device.Device);
        return _model = model;
    }

    /// <summary>Gives the weights back; the next score loads them again.</summary>
    public void Dispose()
    {
        if (_model is null) return;
        device.RunAsync(() =>
        {
            _model?.Dispose();
            _boundaryMask_V?.Dispose();
            _model = null;
            _boundaryMask_V = null;
        }).GetAwaiter().GetResult();
    }
}
