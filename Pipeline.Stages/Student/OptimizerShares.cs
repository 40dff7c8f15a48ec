using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Ranks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// Which rank keeps the optimizer's state and the float32 copy of each parameter. If ranks share them, whole parameters are assigned, largest first,
/// each to the rank that has least so far. Otherwise every rank keeps everything.
/// </summary>
internal sealed class OptimizerShares
{
    private readonly IRanks _ranks;
    private readonly Dictionary<string, int> _owner = new(StringComparer.Ordinal);

    /// <summary>Assigns the parameters.</summary>
    /// <param name="ranks">The processes that train together.</param>
    /// <param name="sizes">The parameters with their numbers of values, in an order that is the same on every rank.</param>
    /// <param name="isShared">Whether the ranks share at all.</param>
    public OptimizerShares(IRanks ranks, IReadOnlyList<(string Name, long Size)> sizes, bool isShared)
    {
        _ranks = ranks;
        IsShared = isShared && ranks.Count > 1;
        var load = new long[ranks.Count];
        foreach ((string name, long size) in sizes.OrderByDescending(s => s.Size))
        {
            int least = IsShared ? Array.IndexOf(load, load.Min()) : ranks.Rank;
            load[least] += size;
            _owner[name] = least;
        }
        Largest = load.Max();
    }

    public bool IsShared { get; }

    /// <summary>The number of values in the largest share.</summary>
    public long Largest { get; }

    public bool IsMine(string name) => _owner[name] == _ranks.Rank;

    /// <summary>Sends every parameter from the rank that updated it to all others. Does nothing where ranks do not share.</summary>
    public void HandRound(IEnumerable<(string Name, Parameter Used)> parameters)
    {
        if (!IsShared) return;
        foreach ((string name, Parameter used) in parameters) _ranks.Broadcast(_owner[name], used);
    }

    /// <summary>
    /// A tensor for a file that rank 0 writes. It is either its own, or its owner sends it when the writer comes to it, so that rank 0 holds at most
    /// one foreign tensor at a time.
    /// </summary>
    /// <param name="name">The tensor's name in the file.</param>
    /// <param name="parameter">The parameter that it belongs to.</param>
    /// <param name="type">The number format of its values.</param>
    /// <param name="shape">The tensor's shape.</param>
    /// <param name="mine">Gets the tensor on the rank that owns it.</param>
    public TensorSource Source(string name, string parameter, ScalarType type, IReadOnlyList<long> shape, Func<Tensor> mine)
        => IsMine(parameter) ? new TensorSource(name, type, shape, mine) : new TensorSource(name, type, shape, () => _ranks.Receive(_owner[parameter], shape, type));

    /// <summary>What the other ranks do while rank 0 writes a file of such tensors: each sends its own, in the order in which the writer asks.</summary>
    public void Serve(IEnumerable<(string Parameter, TensorSource Source)> sources)
    {
        foreach ((string parameter, TensorSource source) in sources.OrderBy(s => s.Source.Name, StringComparer.Ordinal))
        {
            if (IsMine(parameter)) _ranks.Send(0, source.Get());
        }
    }
}
