using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Models;

/// <summary>The forward pass of the vocabulary head: scores, and the normalizer [N] that the backward pass needs.</summary>
internal sealed record HeadForward(HeadScores Scores, Tensor LogNormalizer)
{
    // Below this share the sum of boundary terms may have lost digits to underflow.
    private const double TinyMass = 1e-30;

    /// <summary>Logits of one slice in <paramref name="buffer"/>, float32, before the softcap. No gradient goes through.</summary>
    public static Tensor RawLogits(Tensor buffer, Tensor hidden_SH, Tensor head_VH)
    {
        Tensor transposed = head_VH.t();
        if (hidden_SH.dtype == ScalarType.Float32 && head_VH.dtype == ScalarType.Float32)
            return buffer.addmm_(hidden_SH, transposed, beta: 0);
        if (buffer.device_type != DeviceType.CUDA)
            return buffer.copy_(hidden_SH.mm(transposed));
        TorchScripts.WideProduct(hidden_SH, transposed, buffer);
        return buffer;
    }

    /// <summary>As <see cref="RawLogits(Tensor, Tensor, Tensor)"/>, in memory of its own.</summary>
    public static Tensor RawLogits(Tensor hidden_SH, Tensor head_VH)
        => RawLogits(empty([hidden_SH.size(0), head_VH.size(0)], dtype: ScalarType.Float32, device: hidden_SH.device), hidden_SH, head_VH);

    /// <param name="problem">Sizes and options.</param>
    /// <param name="hidden_NH">Hidden states.</param>
    /// <param name="head_VH">The head.</param>
    /// <param name="targets_N">Ids.</param>
    /// <param name="kept_KV">Gets the logits, before the softcap, of the first K positions; null: none are kept.</param>
    public static HeadForward Compute(HeadProblem problem, Tensor hidden_NH, Tensor head_VH, Tensor targets_N, Tensor? kept_KV = null)
    {
        using DisposeScope scope = NewDisposeScope();
        HeadOptions options = problem.Options;
        Device device = hidden_NH.device;
        Tensor NewVector() => empty([problem.Count], dtype: ScalarType.Float32, device: device);
        Tensor likelihood = NewVector(), normalizer = NewVector();
        Tensor? mass = problem.Boundary is null ? null : NewVector(), entropy = options.Entropy ? NewVector() : null;
        Tensor? topValues = options.TopK == 0 ? null : empty([problem.Count, options.TopK], dtype: ScalarType.Float32, device: device);
        Tensor? topIds = options.TopK == 0 ? null : empty([problem.Count, options.TopK], dtype: ScalarType.Int64, device: device);
        Tensor head = head_VH.detach().narrow(0, 0, problem.Valid), hidden = hidden_NH.detach();
        Tensor buffer = empty([problem.Slice, problem.Valid], dtype: ScalarType.Float32, device: device);
        foreach ((long start, long length) in problem.Slices)
        {
            using DisposeScope slice = NewDisposeScope();
            Tensor At(Tensor vector) => vector.narrow(0, start, length);
            Tensor raw = buffer.narrow(0, 0, length);
            if (kept_KV is not null && start < problem.Kept)
                raw.copy_(RawLogits(kept_KV.narrow(0, start, length), At(hidden), head));
            else
                RawLogits(raw, At(hidden), head);
            Tensor z = Capped(raw, options.Softcap);
            Tensor chosen = z.gather(1, At(targets_N).clamp_min(Scalars.Zero).unsqueeze(1)).squeeze(1);
            if (topValues is not null)
            {
                (Tensor values, Tensor indexes) = z.topk(options.TopK, 1);
                At(topValues).copy_(values);
                At(topIds!).copy_(indexes);
            }

            Tensor largest = z.amax([1], keepdim: true);
            Tensor e = z.sub_(largest);
            Tensor? centred = entropy is null ? null : e.clone();
            e.exp_();
            Tensor sum = e.sum(1), log = sum.log();
            Tensor total = log + largest.squeeze(1);
            At(normalizer).copy_(total);
            At(likelihood).copy_((chosen - total).masked_fill_(At(targets_N).lt(Scalars.Zero), Scalars.Zero));
            if (mass is not null)
                At(mass).copy_(mv(e, problem.Boundary!).div_(sum));
            if (entropy is not null)
                At(entropy).copy_(log - centred!.mul_(e).sum(1).div_(sum));
            options.OnSlice?.Invoke(new HeadSlice(start, e));
        }

        Tensor? boundary = mass is null ? null : LogMass(problem, mass, normalizer, hidden, head);
        topValues?.sub_(normalizer.unsqueeze(1));
        foreach (Tensor? tensor in new[] { likelihood, normalizer, boundary, entropy, topValues, topIds })
            tensor?.MoveToOuterDisposeScope();
        return new HeadForward(new HeadScores(likelihood, boundary, entropy, topValues, topIds), normalizer);
    }

    private static Tensor Capped(Tensor z, double? softcap) => softcap is { } c ? z.div_(c).tanh_().mul_(c) : z;

    // log of the mass; where it is all but lost beside the largest term, by a log-sum-exp of its own.
    private static Tensor LogMass(HeadProblem problem, Tensor mass_N, Tensor normalizer_N, Tensor hidden_NH, Tensor head_VH)
    {
        Tensor result = mass_N.log();
        if (problem.Count == 0 || mass_N.min().item<float>() >= TinyMass)
            return result;
        Tensor rows = mass_N.lt(TinyMass).nonzero().squeeze(1), outside = problem.Boundary!.eq(Scalars.Zero);
        for (long start = 0; start < rows.size(0); start += problem.Slice)
        {
            using DisposeScope slice = NewDisposeScope();
            Tensor some = rows.narrow(0, start, Math.Min(problem.Slice, rows.size(0) - start));
            Tensor z = Capped(RawLogits(hidden_NH.index_select(0, some), head_VH), problem.Options.Softcap);
            z.masked_fill_(outside, Scalars.NegativeInfinity);
            result.index_copy_(0, some, z.logsumexp(1) - normalizer_N.index_select(0, some));
        }

        return result;
    }
}
