using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Evaluation;

/// <summary>A model on the device, with the tokenizer it reads text by.</summary>
public sealed class ScoringModel : IDisposable
{
    private readonly CausalLm _model;
    private readonly Func<Tensor, AttentionContext, Tensor> _hidden;
    private readonly bool _ownsModel;
    private readonly ExpandedInput? _expansion;

    /// <param name="name">For reports.</param>
    /// <param name="model">Owned by the caller.</param>
    /// <param name="tokenizer">Whose ids the model takes.</param>
    /// <param name="hidden">The final hidden states [B, T, H] of ids [B, T], where they are more than the model's own (input expansion).</param>
    public ScoringModel(string name, CausalLm model, TextTokenizer tokenizer, Func<Tensor, AttentionContext, Tensor>? hidden = null)
        : this(name, model, tokenizer, hidden, ownsModel: false)
    {
    }

    private ScoringModel(string name, CausalLm model, TextTokenizer tokenizer, Func<Tensor, AttentionContext, Tensor>? hidden, bool ownsModel, ExpandedInput? expansion = null)
    {
        Name = name;
        Tokenizer = tokenizer;
        _model = model;
        _hidden = hidden ?? ((ids, attention) => model.Hidden(ids, attention));
        _ownsModel = ownsModel;
        _expansion = expansion;
        // Rows that no token has get no probability; ids that no row has cannot be scored.
        ValidRows = Math.Min(tokenizer.VocabularySize, model.Config.VocabularySize);
    }

    public string Name { get; }

    public TextTokenizer Tokenizer { get; }

    /// <summary>Ids from here on are no tokens of this model.</summary>
    public int ValidRows { get; }

    /// <summary>Rows of the head, those no token has included.</summary>
    internal int Rows => _model.Config.VocabularySize;

    public int MaxPositions => _model.Config.MaxPositions;

    internal double? Softcap => _model.Config.FinalSoftcap;

    internal Tensor Head => _model.HeadWeight;

    /// <summary>Loads a Hugging Face folder; on the device's thread only.</summary>
    public static ScoringModel Load(string name, string folder, TextTokenizer tokenizer, IStorage storage, TorchDevice device)
    {
        CausalLm model = CausalLm.Load(folder, storage, device.Device, device.ComputeType);
        try
        {
            ExpandedInput? expansion = ExpandedInput.TryLoad(folder, tokenizer, storage, device.Device, device.ComputeType);
            return new ScoringModel(
                name, model, tokenizer, expansion is null ? null : (ids, attention) => expansion.Hidden(model, ids, attention), ownsModel: true, expansion);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The final hidden states [B, T, H]; on the device's thread only.</summary>
    internal Tensor Hidden(Tensor ids_BT)
    {
        using AttentionContext attention = _model.CreateAttention((int)ids_BT.size(0), (int)ids_BT.size(1));
        return _hidden(ids_BT, attention);
    }

    internal Device Device => _model.Device;

    /// <exception cref="InputException">The tokenizer gives an id that the model has no row for.</exception>
    internal void CheckIds(ReadOnlySpan<int> ids)
    {
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)ValidRows)
            {
                throw new InputException(
                    $"model '{Name}': its tokenizer gives id {id} ('{Tokenizer.TokenOf(id)}'), the model has {_model.Config.VocabularySize} rows; give it the tokenizer it was trained with");
            }
        }
    }

    /// <summary>On the device's thread only.</summary>
    public void Dispose()
    {
        _expansion?.Dispose();
        if (_ownsModel)
            _model.Dispose();
    }
}
