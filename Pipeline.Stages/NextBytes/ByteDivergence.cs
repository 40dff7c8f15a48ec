using System.Runtime.InteropServices;
using Pipeline.Stages.Models;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Σ of KL(teacher, student) between next bytes, over a student's own vocabulary: [positions, V] is never whole. With S the student's mass of a
/// range of places, each bucket i of the teacher's (a byte, the end, the rest) gives p_i log(p_i S_all / S_i), and its gradient by the logit z of a
/// place is the place's share of S_all, less p_i times its share of S_i: a constant per range times the place's probability. Gradients are computed with
/// the loss, since it is one number and what comes back is a factor. P positions, H hidden, V places, S of a slice.
/// </summary>
internal sealed class ByteDivergence : autograd.MultiTensorFunction<ByteDivergence>
{
    public override string Name => nameof(ByteDivergence);

    /// <param name="hidden_NH">Hidden states after the final norm, flat.</param>
    /// <param name="head_VH">The head, or tied embeddings.</param>
    /// <param name="vocabulary">The student's.</param>
    /// <param name="tables">Which positions predict which bytes.</param>
    /// <param name="softcap">c of c tanh(z/c) on the logits; null: none.</param>
    /// <returns>[] float32.</returns>
    public static Tensor Sum(Tensor hidden_NH, Tensor head_VH, ByteVocabulary vocabulary, ByteTables tables, double? softcap)
    {
        // Nothing to learn: zero, with a way back.
        if (tables.Count == 0)
            return hidden_NH.narrow(0, 0, 1).sum().to_type(ScalarType.Float32) * 0;
        long[] positions = [.. tables.At_n.Distinct()];
        Tensor hidden_PH = hidden_NH.index_select(0, tensor(positions, device: hidden_NH.device));
        return apply(hidden_PH, head_VH, new State(vocabulary, tables, softcap, hidden_PH.requires_grad, head_VH.requires_grad))[0];
    }

    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        using IDisposable quiet = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (Tensor hidden, Tensor head, State state) = (((Tensor)vars[0]).detach(), ((Tensor)vars[1]).detach(), (State)vars[2]);
        Tensor order = tensor(Array.ConvertAll(state.Vocabulary.Ids.ToArray(), id => (long)id), device: head.device);
        Tensor sorted_VH = head.index_select(0, order);
        Tensor hiddenGrad = state.NeedsHidden ? empty_like(hidden) : empty(0);
        Tensor? sortedGrad = state.NeedsHead ? zeros(sorted_VH.shape, dtype: ScalarType.Float32, device: head.device) : null;
        double sum = Slices(state, hidden, sorted_VH, hiddenGrad, sortedGrad);
        // Rows that are no token's have no gradient.
        Tensor headGrad = sortedGrad is null ? empty(0) : zeros(head.shape, dtype: ScalarType.Float32, device: head.device).index_copy_(0, order, sortedGrad).to(head.dtype);
        ctx.save_for_backward([hiddenGrad.MoveToOuterDisposeScope(), headGrad.MoveToOuterDisposeScope()]);
        ctx.save_data("state", state);
        return [tensor((float)sum, device: hidden.device).MoveToOuterDisposeScope()];
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs) => BackwardFailure.Catch(3, () =>
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable quiet = no_grad();
        var state = (State)ctx.get_data("state");
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor Scaled(Tensor gradient) => gradient * grad_outputs[0].to(gradient.dtype);
        (Tensor? hidden, Tensor? head) = (state.NeedsHidden ? Scaled(saved[0]) : null, state.NeedsHead ? Scaled(saved[1]) : null);
        foreach (Tensor given in grad_outputs.Where(given => !given.IsInvalid))
            given.Dispose();
        return BackwardResults.Return(hidden, head, null);
    });

    private static double Slices(State state, Tensor hidden_PH, Tensor head_VH, Tensor hiddenGrad, Tensor? headGrad)
    {
        (long count, long valid, bool onCard) = (hidden_PH.size(0), head_VH.size(0), hidden_PH.device_type == DeviceType.CUDA);
        long rows = Math.Min(count, HeadProblem.SliceRows(count, valid, hidden_PH.size(1), 2, onCard));
        var buckets = new ByteBuckets(state.Vocabulary, state.Tables);
        double sum = 0;
        for (long start = 0; start < count; start += rows)
        {
            using DisposeScope slice = NewDisposeScope();
            Tensor hidden_SH = hidden_PH.narrow(0, start, Math.Min(rows, count - start));
            Tensor z = HeadPass.RawLogits(hidden_SH, head_VH);
            Tensor? tanh = state.Softcap is { } c ? z.div_(c).tanh_().clone() : null;
            if (tanh is not null)
                z.mul_(state.Softcap!.Value);
            Tensor weights_SV = z.sub_(z.amax([1], keepdim: true)).exp_().cpu();
            Span<float> weights = MemoryMarshal.Cast<byte, float>(weights_SV.bytes);
            for (int i = 0; i < hidden_SH.size(0); i++)
                sum += buckets.Next(weights.Slice(i * (int)valid, (int)valid));
            Tensor d = weights_SV.to(hidden_PH.device);
            if (tanh is not null)
                d.mul_(tanh.mul_(tanh).neg_().add_(1));
            d = d.to(hidden_PH.dtype);
            if (state.NeedsHidden)
                hiddenGrad.narrow(0, start, hidden_SH.size(0)).copy_(d.mm(head_VH.to(d.dtype)));
            if (headGrad is not null)
                HeadGradient.Add(headGrad, d, hidden_SH);
        }
        return sum;
    }

    private sealed record State(ByteVocabulary Vocabulary, ByteTables Tables, double? Softcap, bool NeedsHidden, bool NeedsHead);
}
