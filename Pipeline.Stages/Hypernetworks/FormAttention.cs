using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>Gathers the source embeddings of surface forms, and attends between the pieces of each form. R forms, S pieces, H width.</summary>
internal static class FormAttention
{
    /// <summary>Gathers [R · S, ..] rows of the source matrix.</summary>
    /// <param name="source_V">[V, ..] the source matrix.</param>
    /// <param name="forms_RS">
    /// [R, S] ids. Ids from V on are rows of the extra embeddings. Negative padding gives row 0, which a mask is expected to hide.
    /// </param>
    /// <returns>
    /// The rows; the flat positions of ids that lie beyond the source matrix, and these ids counted from 0. Both are null where there are none.
    /// </returns>
    public static (Tensor Rows, Tensor? ExtraAt, Tensor? ExtraIds) Gather(Tensor source_V, Tensor forms_RS)
    {
        long rows = source_V.size(0);
        Tensor flat = forms_RS.reshape(-1), ids = flat.clamp(0, rows - 1);
        Tensor gathered = source_V.index_select(0, ids);
        Tensor at = flat.ge(rows).nonzero().squeeze(1);
        return at.size(0) == 0 ? (gathered, null, null) : (gathered, at, flat.index_select(0, at) - rows);
    }

    /// <summary>[R, S] 1 where there is a piece, and 0 at padding.</summary>
    public static Tensor Mask(Tensor forms_RS, int pad, ScalarType type) => forms_RS.ne(pad).to_type(type);

    /// <summary>Attention with several heads: softmax(q·kᵀ/√width)·v for each head, where the most negative float32 is added at masked keys.</summary>
    /// <param name="q_RSH">The queries.</param>
    /// <param name="k_RSH">The keys.</param>
    /// <param name="v_RSH">The values.</param>
    /// <param name="mask_RS">1 where a key counts; null: all keys count.</param>
    /// <param name="heads">The number of heads, which must divide H.</param>
    /// <returns>[R, S, H].</returns>
    public static Tensor Attend(Tensor q_RSH, Tensor k_RSH, Tensor v_RSH, Tensor? mask_RS, int heads)
    {
        long rows = q_RSH.size(0), pieces = q_RSH.size(1), width = q_RSH.size(2);
        Tensor Heads(Tensor x) => x.view(rows, pieces, heads, width / heads).transpose(1, 2);
        Tensor scores = TorchScripts.Product(Heads(q_RSH), Heads(k_RSH).transpose(2, 3)) / Math.Sqrt((double)width / heads);
        if (mask_RS is not null)
            scores += ((1 - mask_RS) * float.MinValue).view(rows, 1, 1, pieces);
        return TorchScripts.Product(nn.functional.softmax(scores, -1), Heads(v_RSH)).transpose(1, 2).reshape(rows, pieces, width);
    }
}
