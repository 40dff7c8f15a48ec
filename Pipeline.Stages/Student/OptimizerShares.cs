using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Ranks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pipeline.Stages.Student;

/// <summary>
/// Which rank keeps the optimizer's state and the float32 copy of which parameter, where ranks share them: whole parameters, largest first,
/// each to whoever has least. Where they do not, every rank keeps everything.
/// </summary>
internal sealed class OptimizerShares
{
    private readonly IRanks _ranks;
    private readonly Dictionary<string, int> _owner = new(StringComparer.Ordinal);

    /// <param name="ranks">Who shares.</param>
    /// <param name="sizes">Parameters and how many numbers each has, in an order that every rank has.</param>
    /// <param name="isShared">Whether they share at all.</param>
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

    /// <summary>Numbers of the largest share.</summary>
    public long Largest { get; }

    public bool IsMine(string name) => _owner[name] == _ranks.Rank;

    /// <summary>Gives everybody the parameters that each rank updated.</summary>
    public void HandRound(IEnumerable<(string Name, Parameter Used)> parameters)
    {
        if (!IsShared) return;
        foreach ((string name, Parameter used) in parameters) _ranks.Broadcast(_owner[name], used);
    }

    /// <summary>
    /// A tensor of a parameter for a file that rank 0 writes: its own, or one that the owner sends when the writer comes to it, so that
    /// no more than one of them is in memory besides.
    /// </summary>
    /// <param name="name">In the file.</param>
    /// <param name="parameter">Whose it is.</param>
    /// <param name="type">Of its values.</param>
    /// <param name="shape">Of the tensor.</param>
    /// <param name="mine">The tensor, where it is this rank's.</param>
    public TensorSource Source(string name, string parameter, ScalarType type, IReadOnlyList<long> shape, Func<Tensor> mine)
        => IsMine(parameter) ? new TensorSource(name, type, shape, mine) : new TensorSource(name, type, shape, () => _ranks.Receive(_owner[parameter], shape, type));

    /// <summary>What the other ranks do while rank 0 writes a file of such tensors, in the order of the writer.</summary>
    public void Serve(IEnumerable<(string Parameter, TensorSource Source)> sources)
    {
        foreach ((string parameter, TensorSource source) in sources.OrderBy(s => s.Source.Name, StringComparer.Ordinal))
        {
            if (IsMine(parameter)) _ranks.Send(0, source.Get());
        }
    }
}
