using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>
/// One pass of hidden states through the vocabulary head. It computes the scores and, if there are many losses, the derivative of each score with respect
/// to the hidden state. With these, a loss goes back to the hidden states without another product with the head. Let W be the head, t the target, p the
/// softmax, and q the softmax over the boundary tokens alone. Then d log p(t) / dh = W_t - Σ p_v W_v, and d log mass / dh = Σ q_v W_v - Σ p_v W_v. With a
/// softcap c, each W_v is multiplied by 1 - (z_v/c)^2. N positions, V vocabulary rows, H hidden, S positions of a slice.
/// </summary>
internal sealed class HeadPass
{
    /// <summary>
    /// Where the boundary mass is smaller than this, its terms may have lost digits to underflow. They are computed again by a softmax over the boundary
    /// tokens alone.
    /// </summary>
    public const double TinyMass = 1e-26;

    // How many rows of the head are gathered at a time.
    private const int GatheredRows = 16_384;

    private readonly Dictionary<long, Tensor> _weights = [];
    private Tensor? _readingByHead_VH;

    private HeadPass(HeadProblem problem, Tensor hidden_NH, Tensor head_VH, Tensor targets_N, bool hasGraph)
    {
        bool derivatives = hasGraph && hidden_NH.requires_grad && problem.Options.ManyLosses;
        (Problem, Targets_N, Hidden_NH, Head_VH) = (problem, targets_N, hidden_NH.detach(), head_VH.detach().narrow(0, 0, problem.Valid));
        Tensor New(params long[] shape) => empty(shape, dtype: ScalarType.Float32, device: hidden_NH.device);
        (LogLikelihood_N, LogNormalizer_N, Sum_N) = (New(problem.Count), New(problem.Count), New(problem.Count));
        LogBoundary_N = problem.Boundary is null ? null : New(problem.Count);
        ByLikelihood_NH = derivatives ? New(problem.Count, hidden_NH.size(1)) : null;
        ByBoundary_NH = derivatives && problem.Boundary is not null ? New(problem.Count, hidden_NH.size(1)) : null;
        Reading_N = problem.Options.Reading is null ? null : New(problem.Count);
        bool sumsReading = hasGraph && Reading_N is not null && !problem.KeepsReading;
        ByReading_NH = (derivatives && Reading_N is not null) || (sumsReading && hidden_NH.requires_grad) ? New(problem.Count, hidden_NH.size(1)) : null;
        ReadingByLogits_NV = hasGraph && problem.KeepsReading ? New(problem.Count, problem.Valid) : null;
        bool needsHead = hasGraph && (head_VH.requires_grad || problem.Options.HeadLater);
        _readingByHead_VH = sumsReading && needsHead ? zeros([problem.Rows, hidden_NH.size(1)], dtype: ScalarType.Float32, device: hidden_NH.device) : null;
        KeepsWeights = hasGraph && problem.Options.Softcap is null && (needsHead || !derivatives);
    }

    public HeadProblem Problem { get; }

    /// <summary>[N] the target ids; -1 where there is none.</summary>
    public Tensor Targets_N { get; }

    /// <summary>The hidden states of the pass, without a graph.</summary>
    public Tensor Hidden_NH { get; }

    /// <summary>The valid rows of the head, without a graph.</summary>
    public Tensor Head_VH { get; }

    /// <summary>[N] log p(target), float32; 0 where there is no target.</summary>
    public Tensor LogLikelihood_N { get; }

    /// <summary>[N] the logarithm of the boundary tokens' mass, float32; null if it was not asked for.</summary>
    public Tensor? LogBoundary_N { get; }

    /// <summary>[N] the numbers of <see cref="HeadOptions.Reading"/>, float32; null if there is no reading.</summary>
    public Tensor? Reading_N { get; }

    /// <summary>The scores that were asked for: log-likelihood, log boundary mass, reading.</summary>
    public IReadOnlyList<Tensor> Scores => [.. new[] { LogLikelihood_N, LogBoundary_N, Reading_N }.OfType<Tensor>()];

    /// <summary>[N] log Σ exp z over the valid rows, float32.</summary>
    public Tensor LogNormalizer_N { get; }

    /// <summary>[N] the sums of the weights of <see cref="TakeWeights"/>, float32. Divided by them, the weights are probabilities.</summary>
    public Tensor Sum_N { get; }

    /// <summary>The derivatives of <see cref="LogLikelihood_N"/> with respect to the hidden states, float32; null if they are not kept.</summary>
    public Tensor? ByLikelihood_NH { get; }

    /// <summary>The derivatives of <see cref="LogBoundary_N"/> with respect to the hidden states, float32; null if they are not kept.</summary>
    public Tensor? ByBoundary_NH { get; }

    /// <summary>The derivatives of <see cref="Reading_N"/> with respect to the hidden states, float32; null if they are not kept.</summary>
    public Tensor? ByReading_NH { get; }

    /// <summary>The gradient of <see cref="Reading_N"/> with respect to the logits before the softcap; null where it is too large to be kept.</summary>
    public Tensor? ReadingByLogits_NV { get; }

    // Whether a walk over the slices may use kept weights. With a softcap it cannot, because they do not tell the softcap's slopes.
    private bool KeepsWeights { get; }

    /// <summary>Runs the pass. The tensors that it holds belong to the caller's dispose scope.</summary>
    /// <param name="problem">The sizes and options, made from the same tensors.</param>
    /// <param name="hidden_NH">The hidden states after the final norm.</param>
    /// <param name="head_VH">The head.</param>
    /// <param name="targets_N">The target ids; -1 where there is none.</param>
    /// <param name="hasGraph">Whether there will be a backward pass.</param>
    public static HeadPass Run(HeadProblem problem, Tensor hidden_NH, Tensor head_VH, Tensor targets_N, bool hasGraph)
    {
        using IDisposable quiet = no_grad();
        HeadPass pass = new(problem, hidden_NH, head_VH, targets_N, hasGraph);
        using DisposeScope scope = NewDisposeScope();
        Tensor Buffer() => empty([problem.Slice, problem.Valid], dtype: ScalarType.Float32, device: hidden_NH.device);
        Tensor? buffer = null;
        Tensor? slopes = problem.Options.Softcap is null || (pass.ByLikelihood_NH ?? pass.Reading_N) is null ? null : Buffer();
        Gathering? gathering = pass.ByBoundary_NH is null ? null : Gathering.Of(problem.Boundary!);
        foreach ((long start, long length) in problem.Slices)
        {
            Tensor weights = pass.KeepsWeights && start < problem.Kept ? Buffer() : buffer ??= Buffer();
            using (NewDisposeScope())
                pass.Slice(start, length, weights.narrow(0, 0, length), slopes?.narrow(0, 0, length), gathering);
            // The backward pass needs a buffer of this size anyway. If the last slice's weights stay in theirs, that takes no more memory.
            if (pass.KeepsWeights && (start < problem.Kept || start + length == problem.Count))
                pass._weights[start] = weights.MoveToOuterDisposeScope();
        }
        pass.RedoTinyMasses();
        return pass;
    }

    /// <summary>
    /// Takes the weights of a slice out of the pass: numbers proportional to its probabilities, in the first rows of a buffer for a whole slice. The
    /// caller may change them. Null if they were not kept, or were taken before.
    /// </summary>
    /// <param name="start">The first position of the slice.</param>
    public Tensor? TakeWeights(long start) => _weights.Remove(start, out Tensor? weights) ? weights : null;

    /// <summary>
    /// [rows, H] takes the gradient of the sum of all readings with respect to the head, float32. The caller may change it. Null if it was not computed,
    /// or was taken before.
    /// </summary>
    public Tensor? TakeReadingByHead()
    {
        Tensor? taken = _readingByHead_VH;
        _readingByHead_VH = null;
        return taken;
    }

    /// <summary>Computes the logits [S, V] of one slice into <paramref name="buffer"/>, float32, before the softcap.</summary>
    public static Tensor RawLogits(Tensor buffer, Tensor hidden_SH, Tensor head_VH)
    {
        Tensor transposed = head_VH.t();
        if (hidden_SH.dtype == ScalarType.Float32 && head_VH.dtype == ScalarType.Float32)
            return Linear.Into(buffer, hidden_SH, head_VH);
        if (buffer.device_type != DeviceType.CUDA)
            return buffer.copy_(hidden_SH.mm(transposed));
        TorchScripts.WideProduct(hidden_SH, transposed, buffer);
        return buffer;
    }

    /// <summary>Like <see cref="RawLogits(Tensor, Tensor, Tensor)"/>, but into new memory.</summary>
    public static Tensor RawLogits(Tensor hidden_SH, Tensor head_VH)
        => RawLogits(empty([hidden_SH.size(0), head_VH.size(0)], dtype: ScalarType.Float32, device: hidden_SH.device), hidden_SH, head_VH);

    private void Slice(long start, long length, Tensor buffer, Tensor? slopes, Gathering? gathering)
    {
        Tensor At(Tensor vector) => vector.narrow(0, start, length);
        Tensor z = Capped(RawLogits(buffer, At(Hidden_NH), Head_VH), slopes), target_S1 = At(Targets_N).clamp_min(Scalars.Zero).unsqueeze(1), none = At(Targets_N).lt(Scalars.Zero);
        Tensor chosen = z.gather(1, target_S1).squeeze(1), largest = z.amax([1], keepdim: true);
        Tensor e = z.sub_(largest).exp_(), sum = At(Sum_N).copy_(e.sum(1)), total = sum.log() + largest.squeeze(1);
        At(LogNormalizer_N).copy_(total);
        At(LogLikelihood_N).copy_((chosen - total).masked_fill_(none, Scalars.Zero));
        Tensor? mass = LogBoundary_N is null ? null : mv(e, Problem.Boundary!).div_(sum);
        if (mass is not null)
            At(LogBoundary_N!).copy_(mass.log());
        Problem.Options.OnSlice?.Invoke(new HeadSlice(start, e));
        if (Reading_N is not null)
            Read(start, length, e.clone(), slopes);
        if (ByLikelihood_NH is null)
            return;

        // The target's own term is computed apart. Its probability is often nearly 1, and beside it a type of few bits would lose the other terms.
        Tensor one = ones_like(target_S1, ScalarType.Float32), scale = sum.unsqueeze(1);
        Tensor slope = slopes?.gather(1, target_S1) ?? one, own_SH = Head_VH.index_select(0, target_S1.squeeze(1)).to(ScalarType.Float32);
        Tensor w = slopes is null ? e : e.mul_(slopes);
        Tensor own_S1 = w.gather(1, target_S1), p = own_S1 / scale;
        w.scatter_(1, target_S1, zeros_like(own_S1));
        Tensor others_SH = Product(w, Head_VH).div_(scale);
        At(ByLikelihood_NH).copy_((own_SH * (slope - p)).sub_(others_SH).masked_fill_(none.unsqueeze(1), Scalars.Zero));
        Tensor? gathered_SH = gathering?.Product(w, Head_VH).div_(scale);
        w.scatter_(1, target_S1, own_S1);
        if (gathering is null || gathered_SH is null)
            return;
        own_SH.mul_(p);
        gathered_SH.add_(own_SH * gathering.Weights_V.index_select(0, target_S1.squeeze(1)).unsqueeze(1));
        others_SH.add_(own_SH);
        Tensor inside_SH = gathering.IsBoundary ? gathered_SH : others_SH - gathered_SH;
        At(ByBoundary_NH!).copy_(inside_SH.div_(mass!.unsqueeze(1)).masked_fill_(mass.lt(TinyMass).unsqueeze(1), Scalars.Zero).sub_(others_SH));
    }

    private void Read(long start, long length, Tensor weights, Tensor? slopes)
    {
        Reading_N!.narrow(0, start, length).copy_(Problem.Options.Reading!.Read(new HeadSlice(start, weights)));
        if (slopes is not null)
            weights.mul_(slopes);
        ReadingByLogits_NV?.narrow(0, start, length).copy_(weights);
        ByReading_NH?.narrow(0, start, length).copy_(Product(weights, Head_VH));
        if (_readingByHead_VH is not null)
            HeadGradient.Add(_readingByHead_VH.narrow(0, 0, Problem.Valid), weights.to(Hidden_NH.dtype), Hidden_NH.narrow(0, start, length));
    }

    // Where the boundary mass is nearly lost beside the largest term, it is computed by a log-sum-exp over the boundary tokens alone.
    private void RedoTinyMasses()
    {
        if (LogBoundary_N is null || Problem.Count == 0 || LogBoundary_N.min().item<float>() >= Math.Log(TinyMass))
            return;
        Tensor rows = LogBoundary_N.lt(Math.Log(TinyMass)).nonzero().squeeze(1), outside = Problem.Boundary!.eq(Scalars.Zero);
        for (long start = 0; start < rows.size(0); start += Problem.Slice)
        {
            using DisposeScope slice = NewDisposeScope();
            Tensor some = rows.narrow(0, start, Math.Min(Problem.Slice, rows.size(0) - start));
            Tensor raw = RawLogits(Hidden_NH.index_select(0, some), Head_VH);
            Tensor? slopes = Problem.Options.Softcap is null ? null : empty_like(raw);
            Tensor z = Capped(raw, slopes).masked_fill_(outside, Scalars.NegativeInfinity);
            LogBoundary_N.index_copy_(0, some, z.logsumexp(1) - LogNormalizer_N.index_select(0, some));
            if (ByBoundary_NH is null)
                continue;
            Tensor q = z.softmax(1);
            ByBoundary_NH.index_add_(0, some, Product(slopes is null ? q : q.mul_(slopes), Head_VH), 1);
        }
    }

    /// <summary>Turns values of tanh, in place, into the factors that a softcap multiplies derivatives by: 1 - tanh^2.</summary>
    public static Tensor Slopes(Tensor tanh) => tanh.mul_(tanh).neg_().add_(1);

    // Applies the softcap in place, if there is one, and fills the slopes, if they are wanted.
    private Tensor Capped(Tensor z, Tensor? slopes)
    {
        if (Problem.Options.Softcap is not { } c)
            return z;
        z.div_(c).tanh_();
        if (slopes is not null)
            Slopes(slopes.copy_(z));
        return z.mul_(c);
    }

    // [S, V] times [V, H], with a float32 result.
    private static Tensor Product(Tensor weights_SV, Tensor head_VH)
    {
        if (head_VH.dtype == ScalarType.Float32 || head_VH.device_type != DeviceType.CUDA)
            return Linear.ByInput(weights_SV, head_VH.to(ScalarType.Float32));
        Tensor into = empty([weights_SV.size(0), head_VH.size(1)], dtype: ScalarType.Float32, device: head_VH.device);
        TorchScripts.WideProduct(weights_SV.to(head_VH.dtype), head_VH, into);
        return into;
    }

    /// <summary>
    /// Computes a product with the head over some of its rows only: those of the boundary tokens, or all others, whichever are fewer. The part of the
    /// boundary follows from either.
    /// </summary>
    /// <param name="Ids">The rows.</param>
    /// <param name="Weights_V">1 at these rows and 0 elsewhere, float32.</param>
    /// <param name="IsBoundary">Whether the rows are those of the boundary tokens.</param>
    private sealed record Gathering(Tensor Ids, Tensor Weights_V, bool IsBoundary)
    {
        public static Gathering Of(Tensor boundary_V)
        {
            bool isBoundary = boundary_V.sum().item<float>() * 2 <= boundary_V.size(0);
            Tensor weights_V = isBoundary ? boundary_V : 1 - boundary_V;
            return new Gathering(weights_V.nonzero().squeeze(1), weights_V, isBoundary);
        }

        public Tensor Product(Tensor weights_SV, Tensor head_VH)
        {
            Tensor sum = zeros([weights_SV.size(0), head_VH.size(1)], dtype: ScalarType.Float32, device: head_VH.device);
            for (long start = 0; start < Ids.size(0); start += GatheredRows)
            {
                using DisposeScope block = NewDisposeScope();
                Tensor some = Ids.narrow(0, start, Math.Min(GatheredRows, Ids.size(0) - start));
                sum.add_(HeadPass.Product(weights_SV.index_select(1, some), head_VH.index_select(0, some)));
            }
            return sum;
        }
    }
}
