using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>Pulls tokens that the source has too towards its own embeddings (arXiv 2405.07883, section 3.3).</summary>
internal static class LexicalLoss
{
    /// <summary>
    /// Over rows whose form is one source token: the squared distance to its embedding, summed over the width and averaged over those rows,
    /// divided by the mean norm of the first pieces' embeddings over all rows; the mean over the matrices. 0 where no row is one token.
    /// </summary>
    /// <param name="predicted_RMD">Predictions.</param>
    /// <param name="source_VMD">The source's embeddings; a form's first id beyond them counts as the last row.</param>
    /// <param name="forms_RS">Forms.</param>
    /// <param name="pad">Their padding id.</param>
    public static Tensor Of(Tensor predicted_RMD, Tensor source_VMD, Tensor forms_RS, int pad)
    {
        using var scope = NewDisposeScope();
        Tensor single_R = forms_RS.ne(pad).sum(1).eq(1).to_type(predicted_RMD.dtype);
        Tensor first_RMD = source_VMD.index_select(0, forms_RS.select(1, 0).clamp(0, source_VMD.size(0) - 1));
        Tensor squares_RM = (predicted_RMD - first_RMD).square().sum(-1);
        Tensor distance_M = (squares_RM * single_R.unsqueeze(1)).sum(dim: 0) / single_R.sum().clamp_min(1);
        Tensor norm_M = first_RMD.square().sum(-1).sqrt().mean([0]);
        return (distance_M / norm_M).mean().MoveToOuterDisposeScope();
    }
}
