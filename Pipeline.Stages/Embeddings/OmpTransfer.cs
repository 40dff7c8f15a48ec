using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Orthogonal matching pursuit (arXiv 2506.06607, as mergekit's tokensurgeon does it). A donor is another model that has the new tokens. The donor's
/// embedding of a new token is written as a sparse combination of its embeddings of tokens that both models have. The same combination of the model's
/// own embeddings becomes the new embedding. N shared tokens, B new tokens, P width of the donor, H width of the model, k terms. Computed in float64.
/// </summary>
internal static class OmpTransfer
{
    /// <summary>
    /// A row is done when the norm of its residual is at most this share of its own norm. More terms would fit noise, with coefficients that grow
    /// without bound.
    /// </summary>
    private const double LeastResidual = 1e-6;

    /// <summary>How many inner products are computed at a time.</summary>
    private const long SliceElements = 1 << 24;

    /// <summary>The terms of each new token, in the order in which they were chosen.</summary>
    /// <param name="Indices_Bk">int64 rows of the shared tokens; -1 after the last term.</param>
    /// <param name="Coefficients_Bk">float64; 0 after the last term.</param>
    public sealed record Terms(Tensor Indices_Bk, Tensor Coefficients_Bk);

    /// <summary>
    /// Chooses k terms for each new token. Each time it takes the shared row that has the largest absolute inner product with the residual (the first
    /// of equals), and then fits all chosen rows again by least squares. Rows are not normalized.
    /// </summary>
    /// <param name="shared_NP">The donor's rows of the shared tokens, of any floating type.</param>
    /// <param name="new_BP">The donor's rows of the new tokens.</param>
    /// <param name="terms">k, the largest number of terms.</param>
    public static Terms Choose(Tensor shared_NP, Tensor new_BP, int terms)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        int k = (int)Math.Min(terms, shared_NP.size(0));
        long rows = new_BP.size(0), slice = Math.Max(1, Math.Min(rows, SliceElements / Math.Max(1, shared_NP.size(0))));
        Tensor indices = full(rows, k, -1L, dtype: ScalarType.Int64, device: new_BP.device), coefficients = zeros(rows, k, dtype: ScalarType.Float64, device: new_BP.device);
        for (long at = 0; at < rows; at += slice)
        {
            using var inner = NewDisposeScope();
            long count = Math.Min(slice, rows - at);
            Terms part = Pursue(shared_NP, new_BP.narrow(0, at, count).to_type(ScalarType.Float64), k);
            indices.narrow(0, at, count).copy_(part.Indices_Bk);
            coefficients.narrow(0, at, count).copy_(part.Coefficients_Bk);
        }
        return new Terms(indices.MoveToOuterDisposeScope(), coefficients.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// [B, H] Σ c_j q_j over the model's own rows of the shared tokens, in their type. A row without any term gets the mean of these rows.
    /// </summary>
    public static Tensor Combine(Tensor model_NH, Terms terms)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        Tensor result = zeros(terms.Indices_Bk.size(0), model_NH.size(1), dtype: ScalarType.Float64, device: model_NH.device);
        for (long j = 0; j < terms.Indices_Bk.size(1); j++)
        {
            using var inner = NewDisposeScope();
            Tensor row_B = terms.Indices_Bk.select(1, j).clamp_min(0);
            result.addcmul_(model_NH.index_select(0, row_B).to_type(ScalarType.Float64), terms.Coefficients_Bk.select(1, j).unsqueeze(1), 1);
        }
        Tensor without_B = terms.Indices_Bk.lt(0).all(1);
        result = where(without_B.unsqueeze(1), model_NH.mean([0], type: ScalarType.Float64), result);
        return result.to_type(model_NH.dtype).MoveToOuterDisposeScope();
    }

    private static Terms Pursue(Tensor shared_NP, Tensor target_BP, int k)
    {
        long rows = target_BP.size(0), width = target_BP.size(1);
        Tensor Zeros(params long[] size) => zeros(size, dtype: ScalarType.Float64, device: target_BP.device);
        // The chosen rows are factored as q·r, with orthonormal q and triangular r, so that another term only adds a column.
        Tensor basis_BkP = Zeros(rows, k, width), triangle_Bkk = Zeros(rows, k, k), onto_Bk = Zeros(rows, k);
        Tensor indices_Bk = full(rows, k, -1L, dtype: ScalarType.Int64, device: target_BP.device);
        Tensor residual_BP = target_BP.clone(), least_B = Norm(target_BP) * LeastResidual;
        for (int j = 0; j < k; j++)
        {
            using var step = NewDisposeScope();
            Tensor open_B = Norm(residual_BP).gt(least_B);
            if (!open_B.any().item<bool>())
                break;
            (Tensor index_B, Tensor row_BP) = Best(shared_NP, residual_BP, indices_Bk.narrow(1, 0, j));
            Tensor rest_BP = row_BP.clone(), before_BjP = basis_BkP.narrow(1, 0, j);
            // Orthogonalizing twice is enough in float64 (Giraud, Langou and Rozložník 2005).
            for (int pass = 0; pass < 2 && j > 0; pass++)
            {
                Tensor along_Bj = TorchScripts.Product(before_BjP, rest_BP.unsqueeze(2)).squeeze(2);
                triangle_Bkk.select(2, j).narrow(1, 0, j).add_(along_Bj);
                rest_BP = rest_BP - TorchScripts.Product(along_Bj.unsqueeze(1), before_BjP).squeeze(1);
            }
            Tensor length_B = Norm(rest_BP);
            // A row that lies in the span of the rows chosen before adds nothing.
            open_B = open_B.logical_and(length_B.gt(Norm(row_BP) * 1e-12));
            Tensor unit_BP = rest_BP / length_B.clamp_min(double.Epsilon).unsqueeze(1) * open_B.to_type(ScalarType.Float64).unsqueeze(1);
            basis_BkP.select(1, j).copy_(unit_BP);
            triangle_Bkk.select(2, j).select(1, j).copy_(where(open_B, length_B, ones_like(length_B)));
            Tensor share_B = (unit_BP * residual_BP).sum(1);
            onto_Bk.select(1, j).copy_(share_B);
            indices_Bk.select(1, j).copy_(where(open_B, index_B, full_like(index_B, -1)));
            residual_BP.sub_(share_B.unsqueeze(1) * unit_BP);
        }
        return new Terms(indices_Bk, Solve(triangle_Bkk, onto_Bk, indices_Bk));
    }

    /// <summary>The row with the largest absolute inner product among those not chosen yet, the first of equals: its index, and the row itself.</summary>
    private static (Tensor Index_B, Tensor Row_BP) Best(Tensor shared_NP, Tensor residual_BP, Tensor chosen_Bj)
    {
        Tensor product_BN = residual_BP.mm(shared_NP.to_type(ScalarType.Float64).t()).abs_();
        if (chosen_Bj.size(1) > 0)
            product_BN.scatter_(1, chosen_Bj.clamp_min(0), where(chosen_Bj.lt(0), product_BN.gather(1, chosen_Bj.clamp_min(0)), full_like(chosen_Bj, -1).to_type(ScalarType.Float64)));
        Tensor index_B = product_BN.argmax(1);
        return (index_B, shared_NP.index_select(0, index_B).to_type(ScalarType.Float64));
    }

    /// <summary>Solves r c = qᵀ t, from the last term back. The terms that a row did not need hold no share, and get the coefficient 0.</summary>
    private static Tensor Solve(Tensor triangle_Bkk, Tensor onto_Bk, Tensor indices_Bk)
    {
        Tensor coefficients_Bk = zeros_like(onto_Bk);
        for (long j = onto_Bk.size(1) - 1; j >= 0; j--)
        {
            using var step = NewDisposeScope();
            Tensor behind_B = (triangle_Bkk.select(1, j) * coefficients_Bk).sum(1);
            Tensor pivot_B = triangle_Bkk.select(1, j).select(1, j);
            Tensor value_B = (onto_Bk.select(1, j) - behind_B) / where(pivot_B.eq(0), ones_like(pivot_B), pivot_B);
            coefficients_Bk.select(1, j).copy_(where(indices_Bk.select(1, j).lt(0), zeros_like(value_B), value_B));
        }
        return coefficients_Bk;
    }

    private static Tensor Norm(Tensor x_BP) => x_BP.square().sum(1).sqrt();
}
