using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Language;

/// <summary>
/// A decoder in memory together with the tokenizer whose ids it takes: what teacher, student, evaluation, generation, scoring and logits
/// all work with. It owns the decoder and the input expansion it is given: <see cref="Dispose"/> frees both, and the boundary mask.
/// Everything but the names and numbers belongs on the device's thread; tensors that methods return belong to the caller's dispose scope.
/// B batch, T positions, H hidden, V rows of the head.
/// </summary>
public sealed class LanguageModel : IDisposable
{
    private readonly TextTokenizer? _tokenizer;
    private Tensor? _boundaryMask_V;

    /// <param name="model">The decoder; becomes this object's.</param>
    /// <param name="tokenizer">The tokenizer whose ids it takes; null if ids come from elsewhere and nobody needs their text.</param>
    /// <param name="expansion">What is added to the embeddings of bytes; null for most models. Becomes this object's.</param>
    /// <param name="edit">What happens to its activations; null for most models. Becomes this object's, and is applied here.</param>
    public LanguageModel(CausalLm model, TextTokenizer? tokenizer, ExpandedInput? expansion = null, SteeringEdit? edit = null)
    {
        Model = model;
        _tokenizer = tokenizer;
        Expansion = expansion;
        Edit = edit;
        edit?.ApplyTo(model);
    }

    /// <summary>For messages and reports.</summary>
    public string Name { get; init; } = "model";

    public CausalLm Model { get; }

    /// <exception cref="InputException">It was loaded without one.</exception>
    public TextTokenizer Tokenizer => _tokenizer ?? throw new InputException($"model '{Name}' has no tokenizer; name one");

    public bool HasTokenizer => _tokenizer is not null;

    /// <summary>Input expansion of a byte-level student; null for most.</summary>
    public ExpandedInput? Expansion { get; }

    /// <summary>Whether what goes into the first layer is more than the model's own embeddings.</summary>
    public bool IsExpanded => Expansion is not null;

    /// <summary>The edit of its activations; null for most.</summary>
    public SteeringEdit? Edit { get; }

    public Device Device => Model.Device;

    /// <summary>What a person should know of how its folder was read.</summary>
    public IReadOnlyList<string> Remarks => Model.Remarks;

    /// <summary>Rows from here on are padding that no token has; they get no probability, and ids from here on cannot be scored.</summary>
    public int ValidRows => Math.Min(_tokenizer?.VocabularySize ?? int.MaxValue, Model.Config.VocabularySize);

    /// <summary>[V] which tokens begin a new pretoken: what the boundary mass sums over. Stays this object's.</summary>
    public Tensor BoundaryMask_V => _boundaryMask_V ??= BoundaryMask.Of(Tokenizer, Model.Config.VocabularySize, Device);

    /// <summary>Loads a Hugging Face folder, input expansion included where the folder has it. The caller disposes the result.</summary>
    /// <param name="folder">Full path.</param>
    /// <param name="tokenizer">Whose ids the model takes. Null where the folder may have none; input expansion then reads the folder's own.</param>
    /// <param name="storage">Where the folder is.</param>
    /// <param name="device">Where the weights go.</param>
    /// <param name="type">Of weights and activations; the device's own when null.</param>
    /// <param name="name">For messages and reports; the folder when null.</param>
    /// <param name="edit">An edit of its activations, by folder or file; null: the one in its own folder, where there is one.</param>
    /// <exception cref="InputException">Config, weights, expansion or edit do not fit this program or each other.</exception>
    public static LanguageModel Load(
        string folder, TextTokenizer? tokenizer, IStorage storage, TorchDevice device, ScalarType? type = null, string? name = null, string? edit = null)
    {
        ScalarType computeType = type ?? device.ComputeType;
        CausalLm model = CausalLm.Load(folder, storage, device.Device, computeType);
        ExpandedInput? expansion = null;
        SteeringEdit? steering = null;
        try
        {
            steering = SteeringEdit.Find(folder, edit, storage, device.Device);
            // Only input expansion must know what bytes ids spell.
            expansion = ExpandedInput.IsIn(folder, storage)
                ? ExpandedInput.TryLoad(folder, tokenizer ?? TextTokenizer.Load(folder, storage), storage, device.Device, computeType)
                : null;
            return new LanguageModel(model, tokenizer, expansion, steering) { Name = name ?? folder };
        }
        catch
        {
            expansion?.Dispose();
            steering?.Dispose();
            model.Dispose();
            throw;
        }
    }

    /// <summary>What goes into the first layer for ids [B, T]: [B, T, H].</summary>
    /// <param name="ids_BT">int64.</param>
    /// <param name="mask_BT">1 where there is a token; null: everywhere.</param>
    public Tensor Embed(Tensor ids_BT, Tensor? mask_BT = null) => Expansion?.Embed(Model, ids_BT, mask_BT) ?? Model.Embed(ids_BT);

    /// <summary>The hidden states [B, T, H] after the final norm; rows are padded on the right.</summary>
    internal Tensor Hidden(BatchTensors batch) => Hidden(batch.Ids_BT, batch.Lengths);

    /// <summary>The hidden states [B, T, H] after the final norm; rows may be padded on the right.</summary>
    /// <param name="ids_BT">int64.</param>
    /// <param name="lengths">Tokens of each row, by which some families choose their rotary frequencies; null: rows are full.</param>
    public Tensor Hidden(Tensor ids_BT, IReadOnlyList<int>? lengths = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using AttentionContext attention = Model.CreateAttention((int)ids_BT.size(0), (int)ids_BT.size(1), lengths: lengths);
        return Model.FinalNorm(Model.RunLayers(Embed(ids_BT), 0, Model.Config.Layers, attention)).MoveToOuterDisposeScope();
    }

    /// <summary>Continues prompts; uses this object, which must outlive it.</summary>
    public TokenGenerator Generator(GenerationOptions options) => new([Decoding], options);

    /// <summary>This model as one that says what comes next; uses this object, which must outlive it.</summary>
    public DecodingMember Decoding => new(Model, Expansion is null ? null : ids_BT => Embed(ids_BT));

    /// <exception cref="InputException">The tokenizer gives an id that the model has no row for.</exception>
    public void CheckIds(ReadOnlySpan<int> ids)
    {
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)ValidRows)
            {
                throw new InputException(
                    $"model '{Name}': its tokenizer gives id {id} ('{_tokenizer?.TokenOf(id)}'), but the model has {Model.Config.VocabularySize} rows; use the tokenizer that it was trained with");
            }
        }
    }

    public void Dispose()
    {
        Expansion?.Dispose();
        _boundaryMask_V?.Dispose();
        Model.Dispose();
        Edit?.Dispose();
    }
}
