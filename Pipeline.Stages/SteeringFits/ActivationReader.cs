using Pipeline.Stages.Batching;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.SteeringFits;

/// <summary>
/// Reads a model's activations at the last token of each row, and keeps nothing else of a pass. To be created, used and disposed on the device's
/// thread. The model must not have another edit in the meantime.
/// </summary>
internal sealed class ActivationReader : IDisposable
{
    private readonly LanguageModel _model;
    private readonly ActivationPlace _place;
    private readonly IReadOnlyList<int> _layers;
    private Tensor[]? _into;
    private Tensor? _last_B;
    private Tensor? _rows_B;

    /// <summary>Installs hooks in the model, which read activations and do not change them.</summary>
    /// <param name="model">The model, without an edit. It is not disposed here.</param>
    /// <param name="place">Where in each layer activations are read.</param>
    /// <param name="layers">The layers to read.</param>
    public ActivationReader(LanguageModel model, ActivationPlace place, IReadOnlyList<int> layers)
    {
        (_model, _place, _layers) = (model, place, layers);
        for (int i = 0; i < layers.Count; i++)
        {
            int index = i;
            model.Model.SetEdit(layers[i], place, hidden =>
            {
                Keep(index, hidden);
                return hidden;
            });
        }
    }

    /// <summary>The activations after whole rows.</summary>
    /// <param name="rows">The ids of each row, at least one.</param>
    /// <param name="batchTokens">The limit of tokens in one pass, padding included.</param>
    /// <returns>For each layer [rows, d] in float32 on the CPU, in the order of the rows. They belong to the caller's dispose scope.</returns>
    public Tensor[] AtLastTokens(IReadOnlyList<int[]> rows, int batchTokens)
    {
        using IDisposable quiet = no_grad();
        CausalLm model = _model.Model;
        _into = [.. _layers.Select(_ => empty([rows.Count, model.Config.HiddenSize], dtype: ScalarType.Float32))];
        foreach (int[] batch in LengthBatches.Plan([.. rows.Select(r => r.Length)], batchTokens))
        {
            using DisposeScope scope = NewDisposeScope();
            BatchTensors tensors = BatchTensors.Of([.. batch.Select(i => rows[i])], model.Device);
            int length = (int)tensors.Ids_BT.size(1);
            _last_B = tensor([.. tensors.Lengths.Select((n, row) => ((long)row * length) + n - 1)], device: model.Device);
            _rows_B = tensor(Array.ConvertAll(batch, i => (long)i));
            using AttentionContext attention = model.CreateAttention(batch.Length, length, lengths: tensors.Lengths);
            // Layers above the last one that is read are not computed.
            model.RunLayers(_model.Embed(tensors.Ids_BT), 0, _layers.Max() + 1, attention);
        }
        (Tensor[] read, _into) = (_into, null);
        return read;
    }

    public void Dispose()
    {
        foreach (int layer in _layers)
            _model.Model.SetEdit(layer, _place, null);
    }

    // The hooks are also called while answers are generated, when there is nothing to read.
    private void Keep(int index, Tensor hidden_BTH)
    {
        if (_into is null)
            return;
        using DisposeScope scope = NewDisposeScope();
        Tensor last_BH = hidden_BTH.flatten(0, 1).index_select(0, _last_B!).to(ScalarType.Float32, CPU);
        _into[index].index_copy_(0, _rows_B!, last_BH);
    }
}
