using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Gradients of any sum of losses behind one <see cref="HeadPass"/>. With g_l and g_b the sum's gradients by log-likelihood and log boundary
/// mass, g_r by what is read beside them: by the hidden states from the derivatives, where the pass has them. Else, and for the head itself, by
/// a walk over the slices: dz = g_l (onehot - p) + g_b (q - p) + g_r dr, through a softcap times 1 - (z/c)^2.
/// </summary>
internal sealed class HeadGradient
{
    // Tokens whose weights are made at a time, so that they stay near the processor.
    private const int Block = 4096;

    private readonly HeadPass _pass;
    private readonly HeadProblem _problem;
    // [N, 1], and what weights are made of: a constant for all tokens, and a share for those of the boundary.
    private readonly Tensor? _likelihood_N1, _boundary_N1, _reading_N1, _parts_2V;

    private HeadGradient(HeadPass pass, IReadOnlyList<Tensor?> gradients)
    {
        (_pass, _problem) = (pass, pass.Problem);
        _likelihood_N1 = gradients[0]?.masked_fill(pass.Targets_N.lt(Scalars.Zero), Scalars.Zero).unsqueeze(1);
        _boundary_N1 = pass.LogBoundary_N is null ? null : gradients[1]?.unsqueeze(1);
        _reading_N1 = pass.Reading_N is null ? null : gradients[^1]?.unsqueeze(1);
        _parts_2V = _boundary_N1 is null ? null : stack([ones_like(_problem.Boundary!), _problem.Boundary!]);
    }

    /// <summary>[V, H] by the head, in its type, zero at rows without a token.</summary>
    public static Tensor OfHead(HeadPass pass, IReadOnlyList<Tensor?> gradients) => Compute(pass, gradients, ofHidden: false, ofHead: true).Head!;

    /// <summary>[N, H] and [V, H] by the hidden states and the head, in their types, where they are asked for.</summary>
    /// <param name="pass">Kept what is needed.</param>
    /// <param name="gradients">[N] each, float32, by <see cref="HeadPass.Scores"/>; null: 0.</param>
    /// <param name="ofHidden">By the hidden states.</param>
    /// <param name="ofHead">By the head.</param>
    public static (Tensor? Hidden, Tensor? Head) Compute(HeadPass pass, IReadOnlyList<Tensor?> gradients, bool ofHidden, bool ofHead)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        var gradient = new HeadGradient(pass, gradients);
        bool isDerived = ofHidden && pass.ByLikelihood_NH is not null;
        Tensor? hidden_NH = isDerived ? gradient.Derived() : ofHidden ? empty_like(pass.Hidden_NH) : null;
        Tensor? head_VH = ofHead ? zeros([pass.Problem.Rows, pass.Head_VH.size(1)], dtype: ScalarType.Float32, device: pass.Head_VH.device) : null;
        if (head_VH is not null || !isDerived)
            gradient.Walk(isDerived ? null : hidden_NH, head_VH?.narrow(0, 0, pass.Problem.Valid));
        return (hidden_NH?.MoveToOuterDisposeScope(), head_VH?.to(pass.Head_VH.dtype).MoveToOuterDisposeScope());
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

    private Tensor Derived()
    {
        Tensor sum_NH = zeros_like(_pass.ByLikelihood_NH!);
        if (_likelihood_N1 is not null)
            sum_NH.addcmul_(_pass.ByLikelihood_NH!, _likelihood_N1, 1);
        if (_boundary_N1 is not null)
            sum_NH.addcmul_(_pass.ByBoundary_NH!, _boundary_N1, 1);
        if (_reading_N1 is not null)
            sum_NH.addcmul_(_pass.ByReading_NH!, _reading_N1, 1);
        return sum_NH.to(_pass.Hidden_NH.dtype);
    }

    private void Walk(Tensor? hidden_NH, Tensor? head_VH)
    {
        Tensor Buffer() => empty([_problem.Slice, _problem.Valid], dtype: ScalarType.Float32, device: _pass.Head_VH.device);
        Tensor logits = Buffer();
        Tensor? tanh = _problem.Options.Softcap is null ? null : Buffer();
        foreach ((long start, long length) in _problem.Slices)
        {
            using DisposeScope slice = NewDisposeScope();
            Tensor hidden_SH = _pass.Hidden_NH.narrow(0, start, length);
            Tensor d_SV = ByLogits(start, length, logits.narrow(0, 0, length), tanh?.narrow(0, 0, length)).to(hidden_SH.dtype);
            hidden_NH?.narrow(0, start, length).copy_(d_SV.mm(_pass.Head_VH.to(d_SV.dtype)));
            if (head_VH is not null)
                Add(head_VH, d_SV, hidden_SH);
        }
    }

    private Tensor ByLogits(long start, long length, Tensor buffer, Tensor? tanh)
    {
        Tensor At(Tensor tensor) => tensor.narrow(0, start, length);
        Tensor? read = _reading_N1 is null || _pass.ReadingByLogits_NV is null ? null : At(_pass.ReadingByLogits_NV) * At(_reading_N1);
        if (read is not null && (_likelihood_N1 ?? _boundary_N1) is null)
            return read;
        // A copy, since a graph may be gone through more than once.
        Tensor z = start < _problem.Kept ? buffer.copy_(At(_pass.Kept_KV!)) : HeadPass.RawLogits(buffer, At(_pass.Hidden_NH), _pass.Head_VH);
        if (tanh is not null)
        {
            tanh.copy_(z.div_(_problem.Options.Softcap!.Value).tanh_());
            z.mul_(_problem.Options.Softcap.Value);
        }
        Tensor logP = z.sub_(At(_pass.LogNormalizer_N).unsqueeze(1));
        Tensor? again = _reading_N1 is null || read is not null ? null : ReadAgain(start, logP.exp()).mul_(At(_reading_N1));
        Tensor likelihood_S1 = _likelihood_N1 is null ? zeros([length, 1], dtype: ScalarType.Float32, device: logP.device) : At(_likelihood_N1);
        Tensor d = _boundary_N1 is null ? logP.exp_().mul_(-likelihood_S1) : WithBoundary(logP, likelihood_S1, At(_boundary_N1), At(_pass.LogBoundary_N!).unsqueeze(1));
        d.scatter_add_(1, At(_pass.Targets_N).clamp_min(Scalars.Zero).unsqueeze(1), likelihood_S1);
        if (again is not null)
            d.add_(again);
        if (tanh is not null)
            d.mul_(HeadPass.Slopes(tanh));
        return read is null ? d : d.add_(read);
    }

    private Tensor ReadAgain(long start, Tensor weights)
    {
        _problem.Options.Reading!.Read(new HeadSlice(start, weights)).Dispose();
        return weights;
    }

    // p times (-(g_l + g_b) + (g_b / mass) at the boundary).
    private Tensor WithBoundary(Tensor logP, Tensor likelihood_S1, Tensor boundary_S1, Tensor logMass_S1)
    {
        Tensor isTiny = logMass_S1.lt(Math.Log(HeadPass.TinyMass));
        Tensor? tiny = isTiny.any().item<bool>()
            ? (logP - logMass_S1).exp_().mul_(_problem.Boundary!).mul_(boundary_S1.masked_fill(isTiny.logical_not(), Scalars.Zero)).nan_to_num_()
            : null;
        Tensor share_S1 = (boundary_S1 * (-logMass_S1).exp()).masked_fill_(isTiny, Scalars.Zero), parts_S2 = cat([-likelihood_S1 - boundary_S1, share_S1], 1);
        Tensor d = logP.exp_();
        for (long from = 0; from < d.size(1); from += Block)
        {
            long count = Math.Min(Block, d.size(1) - from);
            d.narrow(1, from, count).mul_(parts_S2.mm(_parts_2V!.narrow(1, from, count)));
        }
        return tiny is null ? d : d.add_(tiny);
    }
}
