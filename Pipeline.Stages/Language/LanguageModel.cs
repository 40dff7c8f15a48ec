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
/// A decoder in memory, together with its tokenizer, input expansion and edit, if it has them. Teachers, students, evaluation and generation all work
/// with this type. It owns everything that it is given but the tokenizer, and <see cref="Dispose"/> frees it. Whatever computes must be called on the
/// device's thread, and the tensors that methods return belong to the caller's dispose scope. B rows, T positions, H hidden size, V rows of the head.
/// </summary>
public sealed class LanguageModel : IDisposable
{
    private readonly TextTokenizer? _tokenizer;
    private Tensor? _boundaryMask_V;

    /// <summary>Takes over a decoder, and applies the edit to it.</summary>
    /// <param name="model">The decoder. This object owns it from now on.</param>
    /// <param name="tokenizer">The tokenizer whose ids the decoder takes; null if ids come from elsewhere and nobody needs their text.</param>
    /// <param name="expansion">The input expansion; null for most models. This object owns it from now on.</param>
    /// <param name="edit">The edit of the decoder's activations; null for most models. This object owns it from now on.</param>
    public LanguageModel(CausalLm model, TextTokenizer? tokenizer, ExpandedInput? expansion = null, SteeringEdit? edit = null)
    {
        Model = model;
        _tokenizer = tokenizer;
        Expansion = expansion;
        Edit = edit;
        edit?.ApplyTo(model);
    }

    /// <summary>What messages and reports call the model.</summary>
    public string Name { get; init; } = "model";

    public CausalLm Model { get; }

    /// <summary>The tokenizer whose ids the model takes.</summary>
    /// <exception cref="InputException">The model was loaded without a tokenizer.</exception>
    public TextTokenizer Tokenizer => _tokenizer ?? throw new InputException($"model '{Name}' has no tokenizer; name one");

    public bool HasTokenizer => _tokenizer is not null;

    /// <summary>The input expansion of a byte-level student; null for most models.</summary>
    public ExpandedInput? Expansion { get; }

    /// <summary>Whether the input of the first layer is more than the embeddings of the tokens themselves.</summary>
    public bool IsExpanded => Expansion is not null;

    /// <summary>The edit of the model's activations; null for most models.</summary>
    public SteeringEdit? Edit { get; }

    public Device Device => Model.Device;

    /// <summary>What a person should know about how the model's folder was read.</summary>
    public IReadOnlyList<string> Remarks => Model.Remarks;

    /// <summary>
    /// How many rows of the head belong to a token. Many models pad their vocabulary with further rows. These get no probability, and their ids cannot be
    /// scored.
    /// </summary>
    public int ValidRows => Math.Min(_tokenizer?.VocabularySize ?? int.MaxValue, Model.Config.VocabularySize);

    /// <summary>[V] bool, the boundary tokens, over which the boundary mass is summed; see <see cref="BoundaryMask"/>. This object owns the tensor.</summary>
    public Tensor BoundaryMask_V => _boundaryMask_V ??= BoundaryMask.Of(Tokenizer, Model.Config.VocabularySize, Device);

    /// <summary>Loads a Hugging Face folder, with the input expansion and the edit that it may have. The caller disposes of the result.</summary>
    /// <param name="folder">The model's folder, as a full path.</param>
    /// <param name="tokenizer">
    /// The tokenizer whose ids the model takes. It may be null, because a folder need not have one. Input expansion then loads the folder's own.
    /// </param>
    /// <param name="storage">The storage that has the folder.</param>
    /// <param name="device">The device that gets the weights.</param>
    /// <param name="type">The type of weights and activations; null for the usual one of the device.</param>
    /// <param name="name">What messages and reports call the model; null for the folder's path.</param>
    /// <param name="edit">The folder or file of an edit of the model's activations; null for the edit in the model's own folder, if there is one.</param>
    /// <exception cref="InputException">Configuration, weights, expansion or edit do not fit each other, or this program cannot run them.</exception>
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
            // A missing tokenizer is loaded only for input expansion, since nothing else here needs the bytes of tokens.
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

    /// <summary>[B, T, H] the input of the first layer.</summary>
    /// <param name="ids_BT">int64, the token ids.</param>
    /// <param name="mask_BT">1 where there is a token; null if there is one everywhere.</param>
    public Tensor Embed(Tensor ids_BT, Tensor? mask_BT = null) => Expansion?.Embed(Model, ids_BT, mask_BT) ?? Model.Embed(ids_BT);

    /// <summary>[B, T, H] the hidden states of a batch after the final norm.</summary>
    internal Tensor Hidden(BatchTensors batch) => Hidden(batch.Ids_BT, batch.Lengths);

    /// <summary>[B, T, H] the hidden states after the final norm.</summary>
    /// <param name="ids_BT">int64, the token ids. Rows may be padded on the right.</param>
    /// <param name="lengths">
    /// The number of tokens in each row, by which some model families choose their rotary frequencies; null if no row is padded.
    /// </param>
    public Tensor Hidden(Tensor ids_BT, IReadOnlyList<int>? lengths = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using AttentionContext attention = Model.CreateAttention((int)ids_BT.size(0), (int)ids_BT.size(1), lengths: lengths);
        return Model.FinalNorm(Model.RunLayers(Embed(ids_BT), 0, Model.Config.Layers, attention)).MoveToOuterDisposeScope();
    }

    /// <summary>A generator that continues prompts with this model. This object must live longer than the generator.</summary>
    public TokenGenerator Generator(GenerationOptions options) => new([Decoding], options);

    /// <summary>This model as a member of a generator, which may have several. This object must live longer than the generator.</summary>
    public DecodingMember Decoding => new(Model, Expansion is null ? null : ids_BT => Embed(ids_BT));

    /// <summary>Makes sure that the model has a row for every id.</summary>
    /// <exception cref="InputException">It has none for an id, so the tokenizer is another than the model's.</exception>
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
