using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Ranks;

/// <summary>Tensors from one rank to another, through the host's memory if they are on a GPU.</summary>
internal static class RankTensors
{
    // No span is longer than two thousand million bytes.
    private const long PieceValues = 1 << 24;

    /// <summary>Gives everybody the values of one rank's tensor; all have it in the same shape and type.</summary>
    public static void Broadcast(this IRanks ranks, int from, Tensor tensor) => Each(tensor, copyBack: ranks.Rank != from, piece => ranks.Broadcast(from, piece.bytes));

    /// <summary>Sends a tensor to a rank that is in <see cref="Receive"/>.</summary>
    public static void Send(this IRanks ranks, int to, Tensor tensor) => Each(tensor, copyBack: false, piece => ranks.Exchange(to, piece.bytes, []));

    /// <summary>A tensor in the host's memory, from a rank that is in <see cref="Send"/>.</summary>
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
