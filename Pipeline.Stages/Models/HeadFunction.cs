using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// The vocabulary head for autograd. With p the softmax, q its boundary part over the boundary mass, g the incoming gradients of
/// log-likelihood, log boundary mass and entropy E: dz = g_l (onehot - p) + g_b (q - p) - g_e p (log p + E), and through a
/// softcap times 1 - (z/c)^2. What <see cref="backward"/> throws waits until the pass is over.
/// </summary>
internal sealed class HeadFunction : autograd.MultiTensorFunction<HeadFunction>
{
    // e^-60 is still a normal float32; below it the boundary part is computed from its own normalizer.
    private const double SmallLogMass = -60;

    public override string Name => nameof(VocabularyHead);

    public static (List<Tensor> Outputs, HeadForward Forward) Run(HeadProblem problem, Tensor hidden_NH, Tensor head_VH, Tensor targets_N)
    {
        State state = new(problem, hidden_NH.requires_grad, head_VH.requires_grad);
        List<Tensor> outputs = apply(hidden_NH, head_VH, targets_N, state);
        return (outputs, state.Forward!);
    }

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        Tensor hidden = (Tensor)vars[0], head = (Tensor)vars[1], targets = (Tensor)vars[2];
        State state = (State)vars[3];
        Tensor kept = empty([state.Problem.Kept, state.Problem.Valid], dtype: ScalarType.Float32, device: hidden.device);
        HeadForward forward = HeadForward.Compute(state.Problem, hidden, head, targets, kept);
        state.Forward = forward;
        HeadScores scores = forward.Scores;
        // Plain detached values are kept, not the outputs themselves, which belong to the graph.
        Tensor boundary = scores.LogBoundary?.clone() ?? empty(0), entropy = scores.Entropy?.clone() ?? empty(0);
        ctx.save_for_backward([hidden, head, targets, forward.LogNormalizer, boundary, entropy, state.Problem.Boundary ?? empty(0), kept]);
        ctx.save_data("state", state);
        ctx.set_materialize_grads(false);
        return [.. new[] { scores.LogLikelihood, scores.LogBoundary, scores.Entropy }.OfType<Tensor>()];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
        => BackwardFailure.Catch(4, () => Gradients(ctx, grad_outputs));

    private static List<Tensor> Gradients(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable quiet = no_grad();
        State state = (State)ctx.get_data("state");
        List<Tensor> saved = ctx.get_saved_variables();
        (Tensor? hidden, Tensor? head) = new HeadBackward(state, saved, grad_outputs).Compute();
        foreach (Tensor given in grad_outputs.Where(given => !given.IsInvalid))
            given.Dispose();
        return BackwardResults.Return(hidden, head, null, null);
    }

    internal sealed record State(HeadProblem Problem, bool NeedsHidden, bool NeedsHead)
    {
        /// <summary>Handed from forward to the caller, for what has no gradient.</summary>
        public HeadForward? Forward { get; set; }
    }

    private sealed class HeadBackward
    {
        private readonly State _state;
        private readonly HeadProblem _problem;
        private readonly Tensor _hidden, _head, _targets, _normalizer, _boundary, _entropy, _kept;
        private readonly Tensor? _mask;
        private readonly Tensor _likelihoodGrad;
        private readonly Tensor? _boundaryGrad, _entropyGrad;

        public HeadBackward(State state, List<Tensor> saved, List<Tensor> gradients)
        {
            _state = state;
            _problem = state.Problem;
            (_hidden, _head, _targets, _normalizer, _boundary, _entropy, _kept) = (saved[0].detach(), saved[1].detach(), saved[2], saved[3], saved[4], saved[5], saved[7]);
            HeadOptions options = _problem.Options;
            _mask = options.BoundaryMask is null ? null : saved[6];
            Tensor? At(int index) => index < gradients.Count && !gradients[index].IsInvalid ? gradients[index] : null;
            _likelihoodGrad = (At(0) ?? zeros_like(_normalizer)).masked_fill(_targets.lt(Scalars.Zero), Scalars.Zero);
            _boundaryGrad = _mask is null ? null : At(1);
            _entropyGrad = options.Entropy ? At(_mask is null ? 1 : 2) : null;
        }

        public (Tensor? Hidden, Tensor? Head) Compute()
        {
            Tensor head = _head.narrow(0, 0, _problem.Valid);
            Tensor? hiddenGrad = _state.NeedsHidden ? empty_like(_hidden) : null;
            Tensor? headGrad = _state.NeedsHead ? zeros([_problem.Rows, _head.size(1)], dtype: ScalarType.Float32, device: _head.device) : null;
            Tensor? validGrad = headGrad?.narrow(0, 0, _problem.Valid);
            Tensor Buffer() => empty([_problem.Slice, _problem.Valid], dtype: ScalarType.Float32, device: _head.device);
            Tensor logits = Buffer();
            Tensor? weights = _boundaryGrad is null && _entropyGrad is null ? null : Buffer(), tanh = _problem.Options.Softcap is null ? null : Buffer();
            foreach ((long start, long length) in _problem.Slices)
            {
                using DisposeScope slice = NewDisposeScope();
                Tensor h = _hidden.narrow(0, start, length);
                Tensor d = LogitGradient(start, length, h, head, logits.narrow(0, 0, length), weights?.narrow(0, 0, length), tanh?.narrow(0, 0, length)).to(_hidden.dtype);
                hiddenGrad?.narrow(0, start, length).copy_(d.mm(head.to(d.dtype)));
                if (validGrad is null)
                    continue;
                if (d.dtype == ScalarType.Float32)
                    validGrad.addmm_(d.t(), h);
                else if (d.device_type == DeviceType.CUDA)
                    TorchScripts.AddWideProduct(d.t(), h, validGrad);
                else
                    validGrad.add_(d.t().mm(h));
            }

            return (hiddenGrad, headGrad?.to(_head.dtype));
        }

        private Tensor LogitGradient(long start, long length, Tensor hidden_SH, Tensor head_VH, Tensor buffer, Tensor? weights, Tensor? tanh)
        {
            Tensor Column(Tensor vector) => vector.narrow(0, start, length).unsqueeze(1);
            // A copy, since a graph may be gone through more than once.
            Tensor z = start < _problem.Kept ? buffer.copy_(_kept.narrow(0, start, length)) : HeadForward.RawLogits(buffer, hidden_SH, head_VH);
            if (tanh is not null)
            {
                double c = _problem.Options.Softcap!.Value;
                tanh.copy_(z.div_(c).tanh_());
                z.mul_(c);
            }

            Tensor logP = z.sub_(Column(_normalizer));
            Tensor likelihoodGrad = Column(_likelihoodGrad);
            // dz = p * weights, weights = -(g_l + g_b) + (g_b / mass) mask - g_e (log p + E), then g_l at the targets.
            Tensor constant = _boundaryGrad is null ? -likelihoodGrad : -likelihoodGrad - Column(_boundaryGrad);
            if (_entropyGrad is not null)
                weights!.copy_(logP).add_(Column(_entropy)).mul_(-Column(_entropyGrad)).add_(constant);
            else
                weights?.copy_(constant);
            Tensor? lost = null;
            if (_boundaryGrad is not null)
            {
                Tensor logMass = Column(_boundary), lostRows = logMass.lt(SmallLogMass);
                Tensor share = (Column(_boundaryGrad) * (-logMass).exp()).masked_fill(lostRows, Scalars.Zero);
                weights!.addr_(share.squeeze(1), _mask!);
                if (lostRows.any().item<bool>())
                    lost = (logP - logMass).exp_().mul_(_mask!).mul_(Column(_boundaryGrad).masked_fill(lostRows.logical_not(), Scalars.Zero)).nan_to_num_();
            }

            Tensor p = logP.exp_();
            Tensor d = p.mul_(weights ?? constant);
            if (lost is not null)
                d.add_(lost);
            d.scatter_add_(1, Column(_targets).clamp_min(Scalars.Zero), likelihoodGrad);
            return tanh is null ? d : d.mul_(tanh.mul_(tanh).neg_().add_(1));
        }
    }
}
