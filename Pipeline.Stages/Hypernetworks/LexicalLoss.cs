using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>Pulls the predictions for tokens that the source has too towards the source's own embeddings (arXiv 2405.07883, section 3.3).</summary>
internal static class LexicalLoss
{
    /// <summary>
    /// The squared distance to the source's embedding, summed over the width, and averaged over the rows whose form is a single source token. It is
    /// divided by the mean norm of the first pieces' embeddings over all rows, and then averaged over the matrices. It is 0 where no form is a single
    /// token.
    /// </summary>
    /// <param name="predicted_RMD">The predictions.</param>
    /// <param name="source_VMD">The source's embeddings. A first piece that lies beyond them counts as the last row.</param>
    /// <param name="forms_RS">The surface forms.</param>
    /// <param name="pad">The padding id of the forms.</param>
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
