using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>Rows of source embeddings for forms, and attention between the pieces of one form.</summary>
internal static class FormAttention
{
    /// <summary>
    /// [R · S, ..] rows of the source matrix for flat forms, and where ids are beyond it (rows of extra embeddings, counted from 0). Padding below 0 gives row 0, which a mask
    /// hides.
    /// </summary>
    public static (Tensor Rows, Tensor? ExtraAt, Tensor? ExtraIds) Gather(Tensor source_V, Tensor forms_RS)
    {
        long rows = source_V.size(0);
        Tensor flat = forms_RS.reshape(-1), ids = flat.clamp(0, rows - 1);
        Tensor gathered = source_V.index_select(0, ids);
        Tensor at = flat.ge(rows).nonzero().squeeze(1);
        return at.size(0) == 0 ? (gathered, null, null) : (gathered, at, flat.index_select(0, at) - rows);
    }

    /// <summary>[R, S] 1 where there is a piece.</summary>
    public static Tensor Mask(Tensor forms_RS, int pad, ScalarType type) => forms_RS.ne(pad).to_type(type);

    /// <summary>softmax(q·kᵀ/√width + most negative float32 at keys the mask leaves out)·v per head.</summary>
    /// <param name="q_RSH">Queries.</param>
    /// <param name="k_RSH">Keys.</param>
    /// <param name="v_RSH">Values.</param>
    /// <param name="mask_RS">1 where a key counts; null: all do.</param>
    /// <param name="heads">Heads; H is a multiple of it.</param>
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
