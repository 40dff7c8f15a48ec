using static TorchSharp.torch;

namespace Pipeline.Stages.Batching;

/// <summary>
/// A batch on the device. B rows, T positions, N = B · T flat positions, R positions that hold a token. Padding is on the right, where
/// causal attention never looks, and takes no part in the vocabulary projection.
/// </summary>
/// <param name="Ids_BT">Token ids, 0 at padding.</param>
/// <param name="Real_R">Flat positions that hold a token.</param>
/// <param name="Targets_R">The token after each of them; <see cref="NoTarget"/> at the end of a row.</param>
/// <param name="ScoreAt_R">Flat position of the token that is scored: the next one, or at the end of a row the position itself.</param>
/// <param name="Lengths">[B] tokens of each row.</param>
internal sealed record BatchTensors(Tensor Ids_BT, Tensor Real_R, Tensor Targets_R, Tensor ScoreAt_R, IReadOnlyList<int> Lengths)
{
    /// <summary>No target: what a vocabulary head gives no score to.</summary>
    public const long NoTarget = -1;

    public static BatchTensors Of(IReadOnlyList<int[]> rows, Device device)
    {
        int length = rows.Max(row => row.Length), tokens = rows.Sum(row => row.Length);
        long[] ids = new long[rows.Count * length];
        long[] real = new long[tokens];
        long[] targets = new long[tokens];
        long[] scoreAt = new long[tokens];
        int r = 0;
        for (int b = 0; b < rows.Count; b++)
        {
            int[] row = rows[b];
            for (int t = 0; t < row.Length; t++, r++)
            {
                int at = b * length + t;
                bool last = t + 1 == row.Length;
                ids[at] = row[t];
                real[r] = at;
                targets[r] = last ? NoTarget : row[t + 1];
                scoreAt[r] = last ? at : at + 1;
            }
        }
        return new BatchTensors(
            tensor(ids, [rows.Count, length], device: device), tensor(real, device: device), tensor(targets, device: device), tensor(scoreAt, device: device),
            [.. rows.Select(row => row.Length)]);
    }

    /// <summary>[N] log p(token i | tokens before i); 0 at the first position of a row and at padding.</summary>
    public Tensor LogLikelihood_N(Tensor logLikelihood_R) => Scatter(logLikelihood_R, ScoreAt_R);

    /// <summary>[N] log boundary mass after position i; 0 at padding.</summary>
    public Tensor LogBoundary_N(Tensor logBoundary_R) => Scatter(logBoundary_R, Real_R);

    // index_add and not index_copy: the score at the end of a row is 0 and lands on a position that another score may hold.
    private Tensor Scatter(Tensor values_R, Tensor at_R)
        => zeros(Ids_BT.numel(), dtype: values_R.dtype, device: values_R.device).index_add(0, at_R, values_R, 1);
}
