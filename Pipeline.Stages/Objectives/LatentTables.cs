using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Objectives;

/// <summary>The chunks at whose ends hidden states are compared, and the teacher's states there if the shards contain them.</summary>
/// <param name="Chunks">The C chunks of the batch, whatever the loss masks say.</param>
/// <param name="TeacherLayers">The layers in <see cref="Teacher_LCH"/>; empty where the shards contain none.</param>
/// <param name="TeacherWidth">H, the teacher's hidden size; 0 where the shards contain no states.</param>
/// <param name="Teacher_LCH">[layers, C, H] row-major; null where the shards contain no states.</param>
internal sealed record LatentTables(ChunkBatch Chunks, int[] TeacherLayers, int TeacherWidth, float[]? Teacher_LCH)
{
    /// <summary>The tables of a batch of examples that are padded to <paramref name="length"/> student tokens.</summary>
    /// <exception cref="InputException">The hidden states of the examples have different layers or sizes.</exception>
    public static LatentTables From(IReadOnlyList<Example> examples, int length, LatentsOptions options)
    {
        var chunks = ChunkBatch.From(examples, length, new ChunkRules(options.Chunks, Gamma: null, ChunkUse.HiddenState));
        TeacherHidden? form = examples.Select(e => e.Teacher?.Hidden).FirstOrDefault(h => h is not null);
        if (form is null)
            return new LatentTables(chunks, [], 0, null);

        int layers = form.Layers.Length, width = form.Width;
        var values = new float[(long)layers * chunks.Count * width];
        for (int c = 0; c < chunks.Count; c++)
        {
            Example example = examples[chunks.RowOf[c]];
            TeacherHidden? hidden = example.Teacher!.Hidden;
            int held = example.Chunks.Length;
            if (hidden is null || hidden.Width != width || !hidden.Layers.AsSpan().SequenceEqual(form.Layers)
                || hidden.Values.Length != (long)layers * held * width)
            {
                throw new InputException(
                    $"document {example.Id}: hidden states {Describe(hidden)} for {held} chunks, expected {Describe(form)} as in the rest of the batch; "
                    + "score all shards with the same hidden-state options");
            }
            for (int layer = 0; layer < layers; layer++)
            {
                ReadOnlySpan<Half> from = hidden.Values.AsSpan((layer * held + chunks.Source[c]) * width, width);
                Span<float> to = values.AsSpan((layer * chunks.Count + c) * width, width);
                for (int h = 0; h < width; h++)
                    to[h] = (float)from[h];
            }
        }
        return new LatentTables(chunks, form.Layers, width, values);
    }

    private static string Describe(TeacherHidden? hidden)
        => hidden is null ? "(none)" : $"of layers [{string.Join(", ", hidden.Layers)}], width {hidden.Width}, {hidden.Values.Length} values";

    /// <summary>The index of a teacher layer in <see cref="Teacher_LCH"/>.</summary>
    /// <exception cref="InputException">The shards do not contain this layer.</exception>
    public int IndexOf(int teacherLayer)
    {
        int at = Array.IndexOf(TeacherLayers, teacherLayer);
        return at >= 0 ? at : throw new InputException(
            $"the shards hold hidden states of teacher layers [{string.Join(", ", TeacherLayers)}], not of {teacherLayer}; score again with that layer, or choose another");
    }

    /// <summary>
    /// D of <see cref="LatentLoss"/> over all batches of a step: [H] by channel, [1] over all channels. With it, a step that accumulates small batches
    /// equals the step of one large batch.
    /// </summary>
    public static float[] Scale(IEnumerable<LatentTables> step, int teacherLayer, LatentNormalization normalization)
    {
        double[]? sums = null;
        long chunks = 0;
        foreach (LatentTables tables in step)
        {
            if (tables.Teacher_LCH is null)
                continue;
            int width = tables.TeacherWidth, count = tables.Chunks.Count;
            sums ??= new double[width];
            chunks += count;
            ReadOnlySpan<float> values = tables.Teacher_LCH.AsSpan(tables.IndexOf(teacherLayer) * count * width, count * width);
            for (int c = 0; c < count; c++)
            {
                ReadOnlySpan<float> row = values.Slice(c * width, width);
                for (int h = 0; h < width; h++)
                    sums[h] += LatentLoss.Squares(normalization) ? (double)row[h] * row[h] : Math.Abs(row[h]);
            }
        }
        if (sums is null)
            throw new InvalidOperationException("no hidden states in the step");
        long n = Math.Max(1, chunks);
        return LatentLoss.Channelwise(normalization)
            ? [.. sums.Select(sum => (float)(sum / n + LatentLoss.Epsilon))]
            : [(float)(sums.Sum() / n / sums.Length + LatentLoss.Epsilon)];
    }
}
