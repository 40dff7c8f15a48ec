using static TorchSharp.torch;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// FOCUS (arXiv 2305.14481). A new token begins as a weighted mean of shared tokens. The weights say how similar these are to it in another embedding
/// of the new vocabulary. Here that is the donor model's embedding; in the paper it is fastText, trained on the target language. N shared tokens, B
/// new tokens, P width of the donor, H width of the model.
/// </summary>
internal static class FocusTransfer
{
    private const long SliceElements = 1 << 24;

    /// <summary>The embeddings of the new tokens.</summary>
    /// <param name="shared_NP">The donor's rows of the shared tokens.</param>
    /// <param name="new_BP">The donor's rows of the new tokens.</param>
    /// <param name="model_NH">The model's own rows of the shared tokens.</param>
    /// <returns>[B, H] in the type of the model's rows.</returns>
    public static Tensor Apply(Tensor shared_NP, Tensor new_BP, Tensor model_NH)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        long rows = new_BP.size(0), slice = Math.Max(1, SliceElements / Math.Max(1, shared_NP.size(0)));
        Tensor result = empty(rows, model_NH.size(1), dtype: model_NH.dtype, device: model_NH.device);
        Tensor directions_NP = Unit(shared_NP);
        for (long at = 0; at < rows; at += slice)
        {
            using var inner = NewDisposeScope();
            Tensor part_BP = Unit(new_BP.narrow(0, at, Math.Min(slice, rows - at)));
            Tensor weights_BN = Sparsemax(part_BP.mm(directions_NP.t()));
            result.narrow(0, at, part_BP.size(0)).copy_(weights_BN.mm(model_NH.to_type(ScalarType.Float32)));
        }
        return result.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Sparsemax (Martins and Astudillo 2016): the point of the simplex that is nearest to each row. It is like softmax, but most weights are 0.
    /// </summary>
    public static Tensor Sparsemax(Tensor scores_BN)
    {
        using var scope = NewDisposeScope();
        (Tensor sorted, _) = scores_BN.sort(-1, descending: true);
        Tensor count_N = arange(1, scores_BN.size(1) + 1, dtype: scores_BN.dtype, device: scores_BN.device);
        Tensor sums = sorted.cumsum(-1);
        Tensor size_B = (1 + count_N * sorted).gt(sums).sum(-1, keepdim: true);
        Tensor threshold_B = (sums.gather(-1, size_B - 1) - 1) / size_B;
        return (scores_BN - threshold_B).clamp_min(0).MoveToOuterDisposeScope();
    }

    private static Tensor Unit(Tensor x)
    {
        Tensor wide = x.to_type(ScalarType.Float32);
        return wide / wide.square().sum(-1, keepdim: true).sqrt().clamp_min(1e-12);
    }
}
