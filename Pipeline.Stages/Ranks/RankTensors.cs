using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Ranks;

/// <summary>Sends tensors from one rank to another. Tensors on a GPU go through the host's memory.</summary>
internal static class RankTensors
{
    // A span holds at most 2 GiB.
    private const long PieceValues = 1 << 24;

    /// <summary>Copies the values of one rank's tensor to all others, where the tensor has the same shape and type.</summary>
    public static void Broadcast(this IRanks ranks, int from, Tensor tensor) => Each(tensor, copyBack: ranks.Rank != from, piece => ranks.Broadcast(from, piece.bytes));

    /// <summary>Sends a tensor to a rank that calls <see cref="Receive"/>.</summary>
    public static void Send(this IRanks ranks, int to, Tensor tensor) => Each(tensor, copyBack: false, piece => ranks.Exchange(to, piece.bytes, []));

    /// <summary>Receives a tensor into the host's memory, from a rank that calls <see cref="Send"/>.</summary>
    public static Tensor Receive(this IRanks ranks, int from, IReadOnlyList<long> shape, ScalarType type)
    {
        Tensor tensor = empty([.. shape], type, CPU);
        Each(tensor, copyBack: false, piece => ranks.Exchange(from, [], piece.bytes));
        return tensor;
    }

    private static void Each(Tensor tensor, bool copyBack, Action<Tensor> use)
    {
        using var quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = tensor.detach().contiguous().view(-1);
        bool isHere = flat.device.type == DeviceType.CPU;
        for (long at = 0; at < flat.numel(); at += PieceValues)
        {
            using DisposeScope one = NewDisposeScope();
            Tensor piece = flat.narrow(0, at, Math.Min(PieceValues, flat.numel() - at)), host = isHere ? piece : piece.cpu();
            use(host);
            if (copyBack && !isHere)
                piece.copy_(host);
        }
    }
}
