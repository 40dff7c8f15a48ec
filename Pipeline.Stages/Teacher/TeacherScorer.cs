using Pipeline.Contracts.Records;
using Pipeline.Stages.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Teacher;

/// <summary>
/// Runs a teacher over token sequences and keeps two numbers per token: the log-likelihood of the observed token and the log boundary
/// mass after it (arXiv 2503.20083, sections 3.1 and 3.2). Must be called on the device's thread.
/// </summary>
/// <remarks>
/// Shapes: B rows, T longest row, H hidden, V vocabulary, N tokens that are not padding. Rows are padded on the right; causal attention
/// never looks there, so no mask is needed and padding takes no part in the vocabulary projection.
/// </remarks>
internal sealed class TeacherScorer(CausalLm model, Tensor boundaryMask_V, int validRows, IReadOnlyList<int> hiddenLayers)
{
    /// <summary>Scores of each row, in order; hidden states at <paramref name="hiddenAt"/> (token indices per row) when layers were asked for.</summary>
    public IReadOnlyList<(TeacherScores Scores, TeacherHidden? Hidden)> Score(IReadOnlyList<int[]> rows, IReadOnlyList<int[]> hiddenAt)
    {
        using var inference = torch.inference_mode();
        using var scope = NewDisposeScope();
        int length = rows.Max(r => r.Length);
        long tokens = rows.Sum(r => (long)r.Length);
        long[] ids_BT = new long[rows.Count * length];
        long[] real_N = new long[tokens];
        long[] targets_N = new long[tokens];
        int n = 0;
        for (int b = 0; b < rows.Count; b++)
        {
            int[] row = rows[b];
            for (int t = 0; t < row.Length; t++)
            {
                ids_BT[b * length + t] = row[t];
                real_N[n] = b * length + t;
                targets_N[n++] = t + 1 < row.Length ? row[t + 1] : VocabularyHead.NoTarget;
            }
        }

        Device device = boundaryMask_V.device;
        Tensor input = tensor(ids_BT, rows.Count, length, device: device);
        Tensor real = tensor(real_N, device: device);
        List<Tensor>? hidden = hiddenLayers.Count > 0 ? [] : null;
        Tensor last_BTH = model.Hidden(input, collectHidden: hidden);
        Tensor last_NH = last_BTH.view(-1, model.Config.HiddenSize).index_select(0, real);
        HeadScores scores = VocabularyHead.Score(last_NH, model.HeadWeight, tensor(targets_N, device: device), new HeadOptions
        {
            Softcap = model.Config.FinalSoftcap,
            ValidRows = validRows,
            BoundaryMask_V = boundaryMask_V,
        });

        float[] likelihood = Values(scores.LogLikelihood_N);
        float[] boundary = Values(scores.LogBoundary_N!);
        var results = new (TeacherScores, TeacherHidden?)[rows.Count];
        n = 0;
        for (int b = 0; b < rows.Count; b++)
        {
            int count = rows[b].Length;
            var negLogLikelihood = new Half[count];
            var negLogBoundary = new Half[count];
            for (int t = 0; t < count; t++)
            {
                // The head scores the token after position t; the record wants it at the token itself.
                if (t > 0) negLogLikelihood[t] = Stored(likelihood[n + t - 1]);
                negLogBoundary[t] = Stored(boundary[n + t]);
            }
            n += count;
            results[b] = (new TeacherScores(negLogLikelihood, negLogBoundary), hidden is null ? null : HiddenAt(hidden, b, hiddenAt[b]));
        }
        return results;
    }

    private TeacherHidden HiddenAt(List<Tensor> hidden, int row, int[] positions)
    {
        int width = model.Config.HiddenSize;
        var values = new Half[hiddenLayers.Count * positions.Length * width];
        using var scope = NewDisposeScope();
        Tensor at = tensor(Array.ConvertAll(positions, p => (long)p), device: boundaryMask_V.device);
        int[] layers = [.. hiddenLayers.Select(l => l < 0 ? hidden.Count + l : l)];
        for (int i = 0; i < layers.Length; i++)
        {
            float[] states = Values(hidden[layers[i]][row].index_select(0, at).flatten());
            for (int k = 0; k < states.Length; k++) values[i * states.Length + k] = (Half)states[k];
        }
        return new TeacherHidden(layers, width, values);
    }

    /// <summary>Negated and kept inside float16's finite range: an impossible token is stored as the largest number, not as infinity.</summary>
    private static Half Stored(float logProbability) => (Half)Math.Clamp(-logProbability, 0f, (float)Half.MaxValue);

    private static float[] Values(Tensor values) => values.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
}
