using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// The gradient of the head itself, of any sum of losses behind one <see cref="HeadPass"/>: with g_l and g_b the sum's gradients by log-likelihood
/// and log boundary mass, dz = g_l (onehot - p) + g_b (q - p), through a softcap times 1 - (z/c)^2.
/// </summary>
internal static class HeadGradient
{
    /// <param name="pass">Which kept what is needed.</param>
    /// <param name="likelihood_N">g_l, float32.</param>
    /// <param name="boundary_N">g_b; null: 0.</param>
    /// <returns>[V, H] in the head's type, zero at rows without a token.</returns>
    public static Tensor Compute(HeadPass pass, Tensor likelihood_N, Tensor? boundary_N)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        HeadProblem problem = pass.Problem;
        Tensor head_VH = pass.Head_VH;
        Tensor sum_VH = zeros([problem.Rows, head_VH.size(1)], dtype: ScalarType.Float32, device: head_VH.device), valid_VH = sum_VH.narrow(0, 0, problem.Valid);
        Tensor Buffer() => empty([problem.Slice, problem.Valid], dtype: ScalarType.Float32, device: head_VH.device);
        Tensor logits = Buffer();
        Tensor? weights = boundary_N is null ? null : Buffer(), tanh = problem.Options.Softcap is null ? null : Buffer();
        // What weights are made of: a constant for all, and a share for the boundary.
        Tensor? parts_2V = boundary_N is null ? null : stack([ones_like(problem.Boundary!), problem.Boundary!]);
        likelihood_N = likelihood_N.masked_fill(pass.Targets_N.lt(Scalars.Zero), Scalars.Zero);
        foreach ((long start, long length) in problem.Slices)
        {
            using DisposeScope slice = NewDisposeScope();
            Tensor At(Tensor tensor) => tensor.narrow(0, start, length);
            Tensor Some(Tensor buffer) => buffer.narrow(0, 0, length);
            Tensor hidden_SH = At(pass.Hidden_NH);
            Tensor z = start < problem.Kept ? Some(logits).copy_(At(pass.Kept_KV!)) : HeadPass.RawLogits(Some(logits), hidden_SH, head_VH);
            if (tanh is not null)
            {
                Some(tanh).copy_(z.div_(problem.Options.Softcap!.Value).tanh_());
                z.mul_(problem.Options.Softcap.Value);
            }
            Tensor logP = z.sub_(At(pass.LogNormalizer_N).unsqueeze(1)), likelihood_S1 = At(likelihood_N).unsqueeze(1);
            Tensor d = boundary_N is null
                ? logP.exp_().mul_(-likelihood_S1)
                : WithBoundary(logP, Some(weights!), likelihood_S1, At(boundary_N).unsqueeze(1), At(pass.LogBoundary_N!).unsqueeze(1), parts_2V!);
            d.scatter_add_(1, At(pass.Targets_N).clamp_min(Scalars.Zero).unsqueeze(1), likelihood_S1);
            if (tanh is not null)
                d.mul_(HeadPass.Slopes(Some(tanh)));
            Add(valid_VH, d.to(hidden_SH.dtype), hidden_SH);
        }
        return sum_VH.to(head_VH.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Adds d [S, V] transposed times h [S, H], of one type, to a float32 sum [V, H].</summary>
    public static void Add(Tensor sum_VH, Tensor d_SV, Tensor hidden_SH)
    {
        if (d_SV.dtype == ScalarType.Float32)
            sum_VH.addmm_(d_SV.t(), hidden_SH);
        else if (d_SV.device_type == DeviceType.CUDA)
            TorchScripts.AddWideProduct(d_SV.t(), hidden_SH, sum_VH);
        else
            sum_VH.add_(d_SV.t().mm(hidden_SH));
    }

    // p times (-(g_l + g_b) + (g_b / mass) at the boundary), but for the targets.
    private static Tensor WithBoundary(Tensor logP, Tensor weights, Tensor likelihood_S1, Tensor boundary_S1, Tensor logMass_S1, Tensor parts_2V)
    {
        Tensor isTiny = logMass_S1.lt(Math.Log(HeadPass.TinyMass));
        Tensor share_S1 = (boundary_S1 * (-logMass_S1).exp()).masked_fill_(isTiny, Scalars.Zero);
        weights.addmm_(cat([-likelihood_S1 - boundary_S1, share_S1], 1), parts_2V, beta: 0);
        Tensor? tiny = isTiny.any().item<bool>()
            ? (logP - logMass_S1).exp_().mul_(parts_2V.select(0, 1)).mul_(boundary_S1.masked_fill(isTiny.logical_not(), Scalars.Zero)).nan_to_num_()
            : null;
        Tensor d = logP.exp_().mul_(weights);
        return tiny is null ? d : d.add_(tiny);
    }
}
