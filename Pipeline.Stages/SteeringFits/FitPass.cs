using Pipeline.Stages.Language;
using Pipeline.Stages.Steering;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.SteeringFits;

/// <summary>
/// What lives on the device while demonstrations are summed: the model, the sums of its layers, and a sample of base activations. To be used on the
/// device's thread.
/// </summary>
internal sealed class FitPass : IDisposable
{
    private readonly FitSeaOptions _options;
    private readonly LanguageModel _model;
    private readonly ActivationReader _reader;
    private readonly GreedyAnswers? _answers;
    private readonly SpectralSums[] _sums;
    private readonly Tensor[] _samples;
    private int _sampled;

    private FitPass(FitSeaOptions options, LanguageModel model, IReadOnlyList<int> layers, IReadOnlySet<int> ends)
    {
        (_options, _model) = (options, model);
        _reader = new ActivationReader(model, options.Place, layers);
        _answers = options.Base == BaseChoice.Greedy ? new GreedyAnswers(model, ends, options) : null;
        int width = model.Model.Config.HiddenSize;
        _sums = [.. layers.Select(_ => new SpectralSums(options.Map, width))];
        _samples = [.. layers.Select(_ => zeros([options.Sample, width], dtype: ScalarType.Float32).DetachFromDisposeScope())];
    }

    public long Demonstrations => _sums[0].Count;

    /// <summary>Starts a pass over demonstrations.</summary>
    /// <param name="options">The stage's options.</param>
    /// <param name="model">The model. This object owns it from here on.</param>
    /// <param name="layers">The layers to sum, in ascending order.</param>
    /// <param name="ends">The tokens that end an answer.</param>
    public static FitPass Begin(FitSeaOptions options, LanguageModel model, IReadOnlyList<int> layers, IReadOnlySet<int> ends) => new(options, model, layers, ends);

    /// <summary>Adds demonstrations to the sums.</summary>
    public void Add(FitRows[] rows)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int[][] own = [.. rows.Select(r => r.Base)];
        if (_answers is not null)
        {
            foreach (int[] row in own)
                _model.CheckIds(row);
            own = _answers.Fed(own);
        }
        int[][] all = [.. own, .. rows.Select(r => r.Positive), .. rows.Select(r => r.Negative)];
        foreach (int[] row in all)
            _model.CheckIds(row);
        Tensor[] activations = _reader.AtLastTokens(all, _options.BatchTokens);
        int kept = Math.Min(rows.Length, _options.Sample - _sampled);
        for (int i = 0; i < _sums.Length; i++)
        {
            Tensor Side(int side) => activations[i].narrow(0, (long)side * rows.Length, rows.Length);
            _sums[i].Add(Side(0), Side(1), Side(2));
            if (kept > 0)
                _samples[i].narrow(0, _sampled, kept).copy_(Side(0).narrow(0, 0, kept));
        }
        _sampled += kept;
    }

    /// <summary>Writes the sums and the sample, so far as it was filled.</summary>
    public void Write(Stream stream, SumsHeader header)
    {
        using DisposeScope scope = NewDisposeScope();
        SumsFolder.Write(stream, header, _sums, [.. _samples.Select(s => s.narrow(0, 0, _sampled))]);
    }

    public void Dispose()
    {
        _reader.Dispose();
        foreach (SpectralSums sums in _sums)
            sums.Dispose();
        foreach (Tensor sample in _samples)
            sample.Dispose();
        _model.Dispose();
    }
}
