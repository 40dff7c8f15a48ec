using Pipeline.Contracts.Errors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <content>The choice of what is trained, adapters, and changes of weights.</content>
public sealed partial class CausalLm
{
    private const string AdapterDown = ".lora_A.weight";
    private const string AdapterUp = ".lora_B.weight";

    /// <summary>
    /// Chooses the weights that are trained. Those that are views of a memory-mapped file are copied first, so that this must be called before an
    /// optimizer is made.
    /// </summary>
    /// <param name="part">Which weights are trained.</param>
    /// <param name="frozen">
    /// Weights that are not trained all the same: patterns with <c>*</c> for their names, e.g. <c>model.layers.0.*</c>. A weight may be named as it is
    /// computed or as it is stored.
    /// </param>
    /// <exception cref="DefinitionException">A pattern matches nothing, or nothing is left to train.</exception>
    /// <exception cref="InputException">The config asks for dropout in training, which is not supported.</exception>
    public void SetTrainable(TrainablePart part, IReadOnlyList<string>? frozen = null)
    {
        frozen ??= [];
        if (frozen.Select(pattern => TrainedNames.FaultOfPattern(Config.Family, pattern, _order)).FirstOrDefault(f => f is not null) is { } idle)
            throw new DefinitionException($"frozen: {idle}");
        if (part != TrainablePart.Nothing && Config.AttentionDropout > 0)
            throw new InputException($"attention_dropout = {Config.AttentionDropout} in the config: dropout in training is not supported; set it to 0 to train without it");
        bool any = false;
        foreach (string name in _order)
        {
            bool trainable = IsIn(part, name) && !frozen.Any(pattern => TrainedNames.IsNamed(Config.Family, pattern, name));
            _weights[name].SetTrainable(trainable);
            any |= trainable;
        }

        if (!any && part != TrainablePart.Nothing)
            throw new DefinitionException($"nothing is left to train: part {part}{(part is TrainablePart.Lora ? " without adapters" : "")}, frozen: {string.Join(", ", frozen)}");
    }

    /// <summary>The names of the two matrices of an adapter, from the name of its projection's weight.</summary>
    internal static string[] AdapterNames(string weight) => [weight[..^".weight".Length] + AdapterDown, weight[..^".weight".Length] + AdapterUp];

    /// <summary>
    /// Adds low-rank adapters to the target projections of every layer. Their second matrix is zero, so that the model computes the same as before until
    /// it is trained. The name of a fused projection stands for all of its parts, each of which gets an adapter of its own.
    /// </summary>
    /// <exception cref="DefinitionException">No layer has one of the targets, or there are adapters already.</exception>
    public void AddLora(LoraOptions options)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (_layers[0].Projections.Any(map => map.Adapter is not null))
            throw new DefinitionException("the model already has adapters");
        HashSet<string> targets = [.. options.Targets.SelectMany(target => WeightLayout.Projections(Config.Family, target))];
        if (options.Targets.Select(target => TrainedNames.FaultOfTarget(Config, target)).FirstOrDefault(f => f is not null) is { } fault)
            throw new DefinitionException(fault);
        foreach (Projection map in _layers.SelectMany(layer => layer.Projections).Where(map => targets.Contains(WeightLayout.ShortName(map.Weight.Name))))
        {
            string name = map.Weight.Name[..^".weight".Length];
            long rows = map.Weight.Tensor.size(0), columns = map.Weight.Tensor.size(1);
            // The reference implementation draws the first matrix uniformly from ±1/sqrt(in) (Kaiming with a = sqrt 5). This is a normal distribution
            // of the same standard deviation.
            Tensor start = WeightInitializer.Normal([options.Rank, columns], 1 / Math.Sqrt(3.0 * columns), options.Seed, name + AdapterDown);
            Weight down = new(name + AdapterDown, start.to(ComputeType, Device), isMapped: false);
            Weight up = new(name + AdapterUp, zeros([rows, options.Rank], dtype: ComputeType, device: Device), isMapped: false);
            Add(down);
            Add(up);
            map.Adapter = new LoraAdapter(down, up, options.Alpha / options.Rank);
        }
    }

    /// <summary>
    /// Gives the model a new vocabulary. The tensors are copied, and may have another number of rows than before. The head is tied or untied. The new
    /// weights are trainable if those before were.
    /// </summary>
    /// <param name="input_VH">The input embeddings.</param>
    /// <param name="output_VH">The head; null: tied to the input embeddings.</param>
    /// <exception cref="ArgumentException">A tensor is not [V, H], or the two differ in V.</exception>
    public void ReplaceEmbeddings(Tensor input_VH, Tensor? output_VH)
    {
        using IDisposable quiet = no_grad();
        CheckVocabulary(input_VH, nameof(input_VH));
        if (output_VH is not null)
        {
            CheckVocabulary(output_VH, nameof(output_VH));
            if (output_VH.size(0) != input_VH.size(0))
                throw new ArgumentException($"{output_VH.size(0)} rows, the input embeddings have {input_VH.size(0)}", nameof(output_VH));
        }

        bool trainable = EmbeddingWeight.requires_grad;
        Exchange(WeightNames.Embedding, input_VH, trainable);
        bool headTrainable = _weights.TryGetValue(WeightNames.Head, out Weight? head) ? head.Tensor.requires_grad : trainable;
        if (output_VH is not null)
        {
            if (head is null)
                Add(new Weight(WeightNames.Head, ToModel(output_VH), isMapped: false));
            else
                head.Replace(ToModel(output_VH));
            _weights[WeightNames.Head].Tensor.requires_grad = headTrainable;
        }
        else if (head is not null)
        {
            _weights.Remove(WeightNames.Head);
            _order.Remove(WeightNames.Head);
            head.Tensor.Dispose();
        }

        Config = Config with { VocabularySize = checked((int)EmbeddingWeight.size(0)), TieWordEmbeddings = output_VH is null };
    }

    /// <summary>Replaces a weight by a copy of a tensor of the same shape.</summary>
    internal void Replace(string name, Tensor value) => Exchange(name, value, _weights[name].Tensor.requires_grad);

    /// <summary>Replaces a weight by what <paramref name="change"/> makes of it in float64. The result is rounded once.</summary>
    /// <param name="name">The weight's name as it is computed: the parts of a fused weight have names of their own.</param>
    /// <param name="change">Gets the weight in float64, and must return a tensor of the same shape.</param>
    /// <exception cref="ArgumentException">The shape has changed.</exception>
    public void ChangeWeight(string name, Func<Tensor, Tensor> change)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Weight weight = _weights[name];
        Tensor changed = change(weight.Tensor.detach().to(ScalarType.Float64));
        if (!changed.shape.SequenceEqual(weight.Tensor.shape))
            throw new ArgumentException($"'{name}' became [{string.Join(",", changed.shape)}], it is [{string.Join(",", weight.Tensor.shape)}]", nameof(change));
        Replace(name, changed);
    }

    private static bool IsIn(TrainablePart part, string name)
    {
        bool adapter = name.EndsWith(AdapterDown, StringComparison.Ordinal) || name.EndsWith(AdapterUp, StringComparison.Ordinal);
        bool embedding = name is WeightNames.Embedding or WeightNames.Head;
        return part switch
        {
            TrainablePart.Full => !adapter,
            TrainablePart.Embeddings => embedding,
            TrainablePart.Lora => adapter,
            TrainablePart.LoraAndEmbeddings => adapter || embedding,
            _ => false,
        };
    }

    private void CheckVocabulary(Tensor tensor, string name)
    {
        if (tensor.dim() != 2 || tensor.size(0) < 1 || tensor.size(1) != Config.HiddenSize)
            throw new ArgumentException($"[{string.Join(",", tensor.shape)}], expected [vocabulary, {Config.HiddenSize}]", name);
    }

    private void Exchange(string name, Tensor tensor, bool trainable)
    {
        _weights[name].Replace(ToModel(tensor));
        _weights[name].Tensor.requires_grad = trainable;
    }

    // Always a copy, even if neither type nor device changes: the weight takes over the tensor's handle, and the caller's would be empty afterwards.
    private Tensor ToModel(Tensor tensor) => tensor.detach().to(ComputeType, Device, copy: true).contiguous();
}
