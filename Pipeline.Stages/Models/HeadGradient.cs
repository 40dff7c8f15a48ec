using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// Computes the gradients of a loss, or of a sum of losses, with respect to the inputs of one <see cref="HeadPass"/>. The gradient with respect to the
/// hidden states comes from the derivatives that the pass kept, if it did. Otherwise, and for the head itself, the slices are walked through again. Let
/// g_l, g_b and g_r be the loss's gradients with respect to log-likelihood, log boundary mass and reading, and dr the reading's gradient with respect to
/// the logits. Then dz = g_l (onehot - p) + g_b (q - p) + g_r dr, and with a softcap c, this times 1 - (z/c)^2. For p and q see <see cref="HeadPass"/>.
/// </summary>
internal sealed class HeadGradient
{
    // The boundary's factors are applied to this many tokens of the vocabulary at a time, so that they stay in the processor's cache.
    private const int Block = 4096;

    private readonly HeadPass _pass;
    private readonly HeadProblem _problem;
    // The loss's gradients with respect to the scores, and two rows from which the factor of each token is combined: ones, and the boundary mask.
    private readonly Tensor? _likelihood_N1, _boundary_N1, _reading_N1, _parts_2V;

    // True if what the pass summed of the reading's gradient is used, so that a walk has nothing to do for the reading.
    private bool _isReadingSummed;

    private HeadGradient(HeadPass pass, IReadOnlyList<Tensor?> gradients)
    {
        (_pass, _problem) = (pass, pass.Problem);
        _likelihood_N1 = gradients[0]?.masked_fill(pass.Targets_N.lt(Scalars.Zero), Scalars.Zero).unsqueeze(1);
        _boundary_N1 = pass.LogBoundary_N is null ? null : gradients[1]?.unsqueeze(1);
        _reading_N1 = pass.Reading_N is null ? null : gradients[^1]?.unsqueeze(1);
        _parts_2V = _boundary_N1 is null ? null : stack([ones_like(_problem.Boundary!), _problem.Boundary!]);
    }

    /// <summary>
    /// [rows, H] the gradient with respect to the head, in its type, with zeros at rows without a token. For the arguments see <see cref="Compute"/>.
    /// </summary>
    public static Tensor OfHead(HeadPass pass, IReadOnlyList<Tensor?> gradients) => Compute(pass, gradients, ofHidden: false, ofHead: true).Head!;

    /// <summary>
    /// The gradients [N, H] with respect to the hidden states and [rows, H] with respect to the head, in their types; null where not asked for. They
    /// belong to the caller's dispose scope.
    /// </summary>
    /// <param name="pass">The pass, run for a backward pass. Weights that it kept are taken from it, so that a second call computes them again.</param>
    /// <param name="gradients">The loss's gradient with respect to each of <see cref="HeadPass.Scores"/>, [N] float32; null: 0.</param>
    /// <param name="ofHidden">Whether the gradient with respect to the hidden states is asked for.</param>
    /// <param name="ofHead">Whether the gradient with respect to the head is asked for.</param>
    public static (Tensor? Hidden, Tensor? Head) Compute(HeadPass pass, IReadOnlyList<Tensor?> gradients, bool ofHidden, bool ofHead)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        var gradient = new HeadGradient(pass, gradients);
        Tensor? head_VH = gradient.TakeReading(ofHidden, ofHead);
        head_VH ??= ofHead ? zeros([pass.Problem.Rows, pass.Head_VH.size(1)], dtype: ScalarType.Float32, device: pass.Head_VH.device) : null;
        bool isDerived = ofHidden && pass.ByLikelihood_NH is not null;
        Tensor? hidden_NH = isDerived ? gradient.Derived() : ofHidden ? zeros_like(pass.Hidden_NH) : null;
        if (gradient.HasWalk && (head_VH is not null || !isDerived))
            gradient.Walk(isDerived ? null : hidden_NH, head_VH?.narrow(0, 0, pass.Problem.Valid));
        if (ofHidden && !isDerived && gradient._isReadingSummed)
            hidden_NH!.add_((pass.ByReading_NH! * gradient._reading_N1!).to(hidden_NH.dtype));
        return (hidden_NH?.MoveToOuterDisposeScope(), head_VH?.to(pass.Head_VH.dtype).MoveToOuterDisposeScope());
    }

    /// <summary>Adds dᵀ h to a float32 sum [V, H], with d [S, V] and h [S, H] of one type.</summary>
    public static void Add(Tensor sum_VH, Tensor d_SV, Tensor hidden_SH)
    {
        if (d_SV.dtype == ScalarType.Float32)
            Linear.AddByWeight(sum_VH, d_SV, hidden_SH);
        else if (d_SV.device_type == DeviceType.CUDA)
            TorchScripts.AddWideProduct(d_SV.t(), hidden_SH, sum_VH);
        else
            sum_VH.add_(d_SV.t().mm(hidden_SH));
    }

    // The gradient with respect to the hidden states, from the derivatives that the pass kept.
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

    private bool HasWalk => _likelihood_N1 is not null || _boundary_N1 is not null || (_reading_N1 is not null && !_isReadingSummed);

    // [rows, H] the reading's part of the head's gradient, from what the pass summed over the positions. This works only if the loss has the same
    // gradient with respect to the reading at all positions, as it has if the readings are summed.
    private Tensor? TakeReading(bool ofHidden, bool ofHead)
    {
        if (_reading_N1 is null || _problem.Count == 0 || _problem.KeepsReading || (ofHidden && _pass.ByReading_NH is null))
            return null;
        if (!ofHead)
        {
            _isReadingSummed = true;
            return null;
        }
        float factor = _reading_N1[0].item<float>();
        if (_reading_N1.ne(factor).any().item<bool>() || _pass.TakeReadingByHead() is not { } sum_VH)
            return null;
        _isReadingSummed = true;
        return sum_VH.mul_(factor);
    }

    private void Walk(Tensor? hidden_NH, Tensor? head_VH)
    {
        Tensor Buffer() => empty([_problem.Slice, _problem.Valid], dtype: ScalarType.Float32, device: _pass.Head_VH.device);
        Tensor? spare = null, tanh = _problem.Options.Softcap is null ? null : Buffer();
        // In reverse order: if any weights were kept, those of the last slice were, and the other slices can then use its buffer.
        foreach ((long start, long length) in _problem.Slices.Reverse())
        {
            Tensor? kept = _pass.TakeWeights(start);
            spare ??= kept ?? Buffer();
            using DisposeScope slice = NewDisposeScope();
            Tensor hidden_SH = _pass.Hidden_NH.narrow(0, start, length);
            Tensor d_SV = ByLogits(start, length, (kept ?? spare).narrow(0, 0, length), kept is not null, tanh?.narrow(0, 0, length)).to(hidden_SH.dtype);
            hidden_NH?.narrow(0, start, length).copy_(Linear.ByInput(d_SV, _pass.Head_VH.to(d_SV.dtype)));
            if (head_VH is not null)
                Add(head_VH, d_SV, hidden_SH);
            if (!ReferenceEquals(kept, spare))
                kept?.Dispose();
        }
        spare?.Dispose();
    }

    // dz of a slice, [S, V], with respect to the logits before the softcap.
    private Tensor ByLogits(long start, long length, Tensor buffer, bool isKept, Tensor? tanh)
    {
        Tensor At(Tensor tensor) => tensor.narrow(0, start, length);
        Tensor? read = _reading_N1 is null || _pass.ReadingByLogits_NV is null ? null : At(_pass.ReadingByLogits_NV) * At(_reading_N1);
        if (read is not null && (_likelihood_N1 ?? _boundary_N1) is null)
            return read;
        Tensor weights = isKept ? buffer : Probabilities(start, length, buffer, tanh);
        Tensor? again = _reading_N1 is null || read is not null || _isReadingSummed ? null : ReadAgain(start, weights.clone()).mul_(At(_reading_N1));
        Tensor likelihood_S1 = _likelihood_N1 is null ? zeros([length, 1], dtype: ScalarType.Float32, device: weights.device) : At(_likelihood_N1);
        Tensor scale_S1 = isKept ? At(_pass.Sum_N).reciprocal().unsqueeze(1) : ones_like(likelihood_S1);
        Tensor d = _boundary_N1 is null ? weights.mul_(-likelihood_S1 * scale_S1) : WithBoundary(start, weights, scale_S1, likelihood_S1, At(_boundary_N1));
        d.scatter_add_(1, At(_pass.Targets_N).clamp_min(Scalars.Zero).unsqueeze(1), likelihood_S1);
        if (again is not null)
            d.add_(again);
        if (tanh is not null)
            d.mul_(HeadPass.Slopes(tanh));
        return read is null ? d : d.add_(read);
    }

    // Computes the probabilities of a slice again, and fills the tanh if there is a softcap.
    private Tensor Probabilities(long start, long length, Tensor buffer, Tensor? tanh)
    {
        Tensor z = HeadPass.RawLogits(buffer, _pass.Hidden_NH.narrow(0, start, length), _pass.Head_VH);
        if (tanh is not null)
        {
            tanh.copy_(z.div_(_problem.Options.Softcap!.Value).tanh_());
            z.mul_(_problem.Options.Softcap.Value);
        }
        return z.sub_(_pass.LogNormalizer_N.narrow(0, start, length).unsqueeze(1)).exp_();
    }

    private Tensor ReadAgain(long start, Tensor weights)
    {
        _problem.Options.Reading!.Read(new HeadSlice(start, weights)).Dispose();
        return weights;
    }

    // Turns p into p (-(g_l + g_b) + g_b / mass), the last term only at boundary tokens: all of the first two terms of dz but g_l onehot.
    private Tensor WithBoundary(long start, Tensor weights_SV, Tensor scale_S1, Tensor likelihood_S1, Tensor boundary_S1)
    {
        Tensor logMass_S1 = _pass.LogBoundary_N!.narrow(0, start, weights_SV.size(0)).unsqueeze(1), isTiny = logMass_S1.lt(Math.Log(HeadPass.TinyMass));
        Tensor share_S1 = (boundary_S1 * (-logMass_S1).exp()).masked_fill_(isTiny, Scalars.Zero), parts_S2 = cat([-likelihood_S1 - boundary_S1, share_S1], 1).mul_(scale_S1);
        for (long from = 0; from < weights_SV.size(1); from += Block)
        {
            long count = Math.Min(Block, weights_SV.size(1) - from);
            weights_SV.narrow(1, from, count).mul_(parts_S2.mm(_parts_2V!.narrow(1, from, count)));
        }
        if (isTiny.any().item<bool>())
            AddTiny(start, weights_SV, isTiny.squeeze(1).nonzero().squeeze(1), boundary_S1);
        return weights_SV;
    }

    // Where the boundary mass is nearly lost beside the largest term, q is computed by a softmax over the boundary tokens alone.
    private void AddTiny(long start, Tensor d_SV, Tensor rows, Tensor boundary_S1)
    {
        Tensor z = HeadPass.RawLogits(_pass.Hidden_NH.narrow(0, start, d_SV.size(0)).index_select(0, rows), _pass.Head_VH);
        if (_problem.Options.Softcap is { } c)
            z.div_(c).tanh_().mul_(c);
        d_SV.index_add_(0, rows, z.masked_fill_(_problem.Boundary!.eq(Scalars.Zero), Scalars.NegativeInfinity).softmax(1).mul_(boundary_S1.index_select(0, rows)), 1);
    }
}
