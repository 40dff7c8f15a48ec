using System.Runtime.CompilerServices;

namespace Pipeline.Stages.Models;

/// <content>
/// A decoding step: one position in each of a few rows. It does without torch, whose calls would cost more than the arithmetic, and whose products of a
/// few rows read the weights at half of the memory's speed.
/// </content>
internal sealed unsafe partial class DecoderLayer
{
    /// <summary>Whether <see cref="Step"/> supports this layer: it has no edits, adapters, or exact GELU.</summary>
    public bool CanStep => FeedForwardEdit is null && OutputEdit is null && _config.Activation != Activation.Gelu && Projections.All(map => map.Adapter is null);

    /// <summary>Like <see cref="Forward"/>, but changes <see cref="StepPass.X"/> in place.</summary>
    public void Step(StepPass pass)
    {
        (int batch, int hidden, int inner) = (pass.Batch, _config.HiddenSize, _config.IntermediateSize);
        float* normed = pass.Room("normed", hidden), output = pass.Room("output", hidden), gate = pass.Room("gate", inner), up = pass.Room("up", inner);
        Attend(Normed(_inputNorm, pass.X, normed, batch), output, pass);
        Join(pass.X, Normed(_attentionOutputNorm, output, output, batch), batch * hidden);
        float* h = Normed(_feedForwardNorm, pass.X, normed, batch);
        _gate.Step(h, gate, pass);
        _up.Step(h, up, pass);
        if (_config.Activation == Activation.Silu)
            VectorMaths.Silu(gate, up, batch * inner);
        else
            VectorMaths.GeluTanh(gate, up, batch * inner);
        _down.Step(gate, output, pass);
        Join(pass.X, Normed(_feedForwardOutputNorm, output, output, batch), batch * hidden);
    }

    private void Attend(float* h, float* output, StepPass pass)
    {
        (int batch, int width, int heads, int groups) = (pass.Batch, _config.HeadDim, _config.Heads, _config.KeyValueHeads);
        bool sliding = _config.IsSliding[_index];
        float* q = pass.Room("q", heads * width), k = pass.Room("k", groups * width), v = pass.Room("v", groups * width), mixed = pass.Room("mixed", heads * width);
        float* scores = pass.Room("scores", (long)groups * pass.Length);
        _query.Step(h, q, pass);
        _key.Step(h, k, pass);
        _value.Step(h, v, pass);
        Turn(q, heads, _queryNorm, pass, sliding);
        Turn(k, groups, _keyNorm, pass, sliding);
        (nint keysAt, nint valuesAt, long capacity) = pass.Cache.Place(_index, batch, groups, width);
        float* keys = (float*)keysAt, values = (float*)valuesAt;
        pass.Team.Run(batch * groups, 2L * batch * groups * pass.Length * width * sizeof(float), (first, end) =>
        {
            for (int own = first; own < end; own++)
            {
                (int row, int group) = (own / groups, own % groups);
                int from = sliding ? Math.Max(pass.Padding[row], pass.Length - _config.SlidingWindow!.Value) : pass.Padding[row];
                long at = own * capacity * width, last = at + ((pass.Length - 1) * width);
                new ReadOnlySpan<float>(k + ((long)own * width), width).CopyTo(new Span<float>(keys + last, width));
                new ReadOnlySpan<float>(v + ((long)own * width), width).CopyTo(new Span<float>(values + last, width));
                for (int head = group * heads / groups; head < (group + 1) * heads / groups; head++)
                {
                    long query = ((row * heads) + head) * width;
                    Mix(q + query, keys + at, values + at, scores + ((long)own * pass.Length), mixed + query, from, pass.Length);
                }
            }
        });
        pass.Cache.Added(_index);
        _output.Step(mixed, output, pass);
    }

    // The attention of one head's query over the positions of one row, from "from" up to but not including "to".
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Mix(float* query, float* keys, float* values, float* scores, float* into, int from, int to)
    {
        int width = _config.HeadDim;
        float scale = (float)_config.AttentionScale;
        for (int s = from; s < to; s++)
        {
            float score = VectorMaths.Dot(query, keys + ((long)s * width), width) * scale;
            scores[s - from] = _config.AttentionSoftcap is { } softcap ? (float)softcap * MathF.Tanh(score / (float)softcap) : score;
        }
        VectorMaths.Softmax(scores, to - from);
        new Span<float>(into, width).Clear();
        for (int s = from; s < to; s++)
            VectorMaths.AddScaled(into, values + ((long)s * width), scores[s - from], width);
    }

    // Applies the norm and the rotation to queries or keys [B, heads, D].
    private void Turn(float* x, int heads, Norm? norm, StepPass pass, bool sliding)
    {
        int width = _config.HeadDim, half = _config.RotaryDim / 2;
        norm?.Step(x, x, pass.Batch * (_normsPerHead ? heads : 1));
        float* rotary = sliding ? pass.SlidingRotary : pass.Rotary;
        for (int row = 0; row < pass.Batch; row++)
        {
            for (int head = 0; head < heads; head++)
                VectorMaths.Rotate(x + (((row * heads) + head) * width), rotary + (row * half), rotary + ((pass.Batch + row) * half), half);
        }
    }

    private static float* Normed(Norm? norm, float* x, float* into, int rows)
    {
        if (norm is null)
            return x;
        norm.Step(x, into, rows);
        return into;
    }

    private static void Join(float* residual, float* x, int count) => VectorMaths.AddScaled(residual, x, 1, count);
}
