using Pipeline.Contracts.Errors;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <content>What is trained, adapters, and exchange of the vocabulary.</content>
public sealed partial class CausalLm
{
    private const string AdapterDown = ".lora_A.weight";
    private const string AdapterUp = ".lora_B.weight";

    /// <summary>Chooses the trained weights; copies those of a mapped file that become trainable. Call before an optimizer is made.</summary>
    /// <param name="part">Which.</param>
    /// <param name="frozen">Patterns with <c>*</c> on names, as computed or as stored, taken out again, e.g. <c>model.layers.0.*</c>.</param>
    /// <exception cref="DefinitionException">A pattern matches nothing, or nothing is left to train.</exception>
    /// <exception cref="InputException">The config asks for dropout in training.</exception>
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

    /// <summary>The names of the adapter of a projection's weight.</summary>
    internal static string[] AdapterNames(string weight) => [weight[..^".weight".Length] + AdapterDown, weight[..^".weight".Length] + AdapterUp];

    /// <summary>
    /// Adds adapters to every layer's target projections; the second factor is zero, so the function is the same at first. A name that
    /// the family stores fused stands for each of its parts, which get an adapter of their own.
    /// </summary>
    /// <exception cref="DefinitionException">A target that no layer has, or adapters are there already.</exception>
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
            // Uniform in +-1/sqrt(in), as the first factor of the reference starts (Kaiming with a = sqrt 5), by its standard deviation.
            Tensor start = WeightInitializer.Normal([options.Rank, columns], 1 / Math.Sqrt(3.0 * columns), options.Seed, name + AdapterDown);
            Weight down = new(name + AdapterDown, start.to(ComputeType, Device), isMapped: false);
            Weight up = new(name + AdapterUp, zeros([rows, options.Rank], dtype: ComputeType, device: Device), isMapped: false);
            Add(down);
            Add(up);
            map.Adapter = new LoraAdapter(down, up, options.Alpha / options.Rank);
        }
    }

    /// <summary>
    /// A new vocabulary: takes the tensors over ([V', H]), and ties or unties the head. They are trainable when the ones before were.
    /// </summary>
    /// <param name="input_VH">Input embeddings.</param>
    /// <param name="output_VH">The head; null: tied to the input.</param>
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

    /// <summary>Other numbers for a weight of the same shape, copied.</summary>
    internal void Replace(string name, Tensor value) => Exchange(name, value, _weights[name].Tensor.requires_grad);

    /// <summary>Exchanges a weight for what <paramref name="change"/> makes of it in float64, rounded once.</summary>
    /// <param name="name">As computed: the parts of a fused weight have names of their own.</param>
    /// <param name="change">Keeps the shape.</param>
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

    // A copy even where nothing changes: taking over a tensor's handle would empty the caller's.
    private Tensor ToModel(Tensor tensor) => tensor.detach().to(ComputeType, Device, copy: true).contiguous();
}
