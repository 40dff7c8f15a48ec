using Pipeline.Contracts.Errors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Torch;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter 2019), with one call of a fused kernel for each group. A parameter without a gradient is
/// left as it is, and so is its state. With the same number of threads, the same state and the same gradients, the result has the same bits.
/// </summary>
internal sealed class AdamW : IDisposable
{
    /// <summary>The suffix that makes a parameter's name that of its step count.</summary>
    public const string StepSuffix = ".step";

    private const string AverageSuffix = ".exp_avg", SquareSuffix = ".exp_avg_sq";

    private readonly AdamWOptions _options;
    private readonly Slot[][] _groups;

    /// <summary>An optimizer with empty state.</summary>
    /// <param name="groups">The parameters. They are not disposed here.</param>
    /// <param name="options">The constants; null for the defaults.</param>
    public AdamW(IReadOnlyList<ParameterGroup> groups, AdamWOptions? options = null)
    {
        Groups = groups;
        _options = options ?? new AdamWOptions();
        _groups = [.. groups.Select(group => group.Parameters.Select(parameter => new Slot(parameter.Name, parameter.Tensor)).ToArray())];
        string[] twice = [.. _groups.SelectMany(slots => slots).GroupBy(slot => slot.Name).Where(same => same.Count() > 1).Select(same => same.Key)];
        if (twice.Length > 0)
            throw new ArgumentException($"parameters in more than one group: {string.Join(", ", twice)}", nameof(groups));
    }

    /// <summary>The suffixes that make a parameter's name those of its state.</summary>
    public static IReadOnlyList<string> Suffixes { get; } = [AverageSuffix, SquareSuffix, StepSuffix];

    public IReadOnlyList<ParameterGroup> Groups { get; }

    /// <summary>
    /// The state of every parameter, in order: <c>NAME.exp_avg</c> and <c>NAME.exp_avg_sq</c>, shaped like the parameter, and <c>NAME.step</c>, one
    /// float32. These are the live tensors, so copy what has to outlive the next step. Setting the state copies the values in.
    /// </summary>
    /// <exception cref="InputException">When set: an entry is missing, has another shape, or belongs to no parameter.</exception>
    public IReadOnlyList<(string Name, Tensor Tensor)> State
    {
        get => [.. _groups.SelectMany(slots => slots).SelectMany(slot => slot.Named())];
        set => Restore(value);
    }

    /// <summary>Makes one step.</summary>
    /// <param name="rateFactor">What the learning rate of every group is multiplied by, as the schedule says.</param>
    public void Step(double rateFactor)
    {
        using IDisposable quiet = no_grad();
        for (int i = 0; i < _groups.Length; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            List<Slot> active = [];
            List<Tensor> gradients = [];
            foreach (Slot slot in _groups[i])
            {
                if (slot.Parameter.grad is { } gradient)
                {
                    active.Add(slot);
                    gradients.Add(gradient);
                }
            }

            if (active.Count == 0)
                continue;
            ParameterGroup group = Groups[i];
            TorchScripts.AdamW(
                [.. active.Select(slot => slot.Parameter)], [.. gradients], [.. active.Select(slot => slot.Average)], [.. active.Select(slot => slot.Square)],
                [.. active.Select(slot => slot.Steps)], group.LearningRate * rateFactor, _options.Beta1, _options.Beta2, group.WeightDecay, _options.Epsilon);
        }
    }

    /// <summary>Drops all gradients, and frees their memory.</summary>
    public void ZeroGradients()
    {
        foreach (Slot slot in _groups.SelectMany(slots => slots))
            slot.Parameter.grad = null;
    }

    public void Dispose()
    {
        foreach ((_, Tensor tensor) in State)
            tensor.Dispose();
    }

    private void Restore(IReadOnlyList<(string Name, Tensor Tensor)> given)
    {
        using IDisposable quiet = no_grad();
        Dictionary<string, Tensor> values = given.ToDictionary(entry => entry.Name, entry => entry.Tensor, StringComparer.Ordinal);
        IReadOnlyList<(string Name, Tensor Tensor)> mine = State;
        string[] wrong =
        [
            .. mine.Where(entry => !values.TryGetValue(entry.Name, out Tensor? value)).Select(entry => $"{entry.Name} is missing"),
            .. mine.Where(entry => values.TryGetValue(entry.Name, out Tensor? value) && !value.shape.SequenceEqual(entry.Tensor.shape))
                .Select(entry => $"{entry.Name} is [{string.Join(',', values[entry.Name].shape)}], expected [{string.Join(',', entry.Tensor.shape)}]"),
            .. values.Keys.Except(mine.Select(entry => entry.Name)).Select(name => $"{name} belongs to no parameter"),
        ];
        if (wrong.Length > 0)
            throw new InputException($"optimizer state does not fit the parameters: {string.Join("; ", wrong)}");
        foreach ((string name, Tensor tensor) in mine)
            tensor.copy_(values[name]);
    }

    private sealed class Slot
    {
        public Slot(string name, Parameter parameter)
        {
            using IDisposable quiet = no_grad();
            Name = name;
            Parameter = parameter;
            Average = zeros_like(parameter).DetachFromDisposeScope();
            Square = zeros_like(parameter).DetachFromDisposeScope();
            Steps = zeros([], dtype: ScalarType.Float32, device: parameter.device).DetachFromDisposeScope();
        }

        public string Name { get; }

        public Parameter Parameter { get; }

        public Tensor Average { get; }

        public Tensor Square { get; }

        public Tensor Steps { get; }

        public IEnumerable<(string Name, Tensor Tensor)> Named() => [(Name + AverageSuffix, Average), (Name + SquareSuffix, Square), (Name + StepSuffix, Steps)];
    }
}
