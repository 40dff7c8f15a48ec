using static TorchSharp.torch;

namespace Pipeline.Stages.Batching;

/// <summary>
/// A batch of token sequences on the device. Rows are padded on the right, where causal attention never looks, so that no mask is needed. Padding does
/// not go through the vocabulary head either. B rows, T positions in the longest row, N = B · T flat positions, R positions that hold a token.
/// </summary>
/// <param name="Ids_BT">int64, the token ids; 0 at padding.</param>
/// <param name="Real_R">int64, the flat positions that hold a token, in order.</param>
/// <param name="Targets_R">int64, the token that follows at each of them; <see cref="NoTarget"/> at the end of a row.</param>
/// <param name="ScoreAt_R">int64, the flat position of the token that follows, where its score belongs. At the end of a row, the position itself.</param>
/// <param name="Lengths">[B] the number of tokens in each row.</param>
internal sealed record BatchTensors(Tensor Ids_BT, Tensor Real_R, Tensor Targets_R, Tensor ScoreAt_R, IReadOnlyList<int> Lengths)
{
    /// <summary>The target of a position that no token follows. A vocabulary head gives it the score 0.</summary>
    public const long NoTarget = -1;

    /// <summary>Makes a batch of rows of ids. Its tensors belong to the caller's dispose scope.</summary>
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

    /// <summary>[N] log p(token i | the tokens before it); 0 at the first position of a row and at padding.</summary>
    /// <param name="logLikelihood_R">The score of each target.</param>
    public Tensor LogLikelihood_N(Tensor logLikelihood_R) => Scatter(logLikelihood_R, ScoreAt_R);

    /// <summary>[N] the log boundary mass after token i; 0 at padding.</summary>
    /// <param name="logBoundary_R">The log boundary mass after each token.</param>
    public Tensor LogBoundary_N(Tensor logBoundary_R) => Scatter(logBoundary_R, Real_R);

    // Adds rather than copies: the score at the end of a row, which is 0, goes to a position that already has the score of its own token.
    private Tensor Scatter(Tensor values_R, Tensor at_R)
        => zeros(Ids_BT.numel(), dtype: values_R.dtype, device: values_R.device).index_add(0, at_R, values_R, 1);
}
