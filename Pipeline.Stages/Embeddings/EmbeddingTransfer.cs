using static TorchSharp.torch;

namespace Pipeline.Stages.Embeddings;

/// <summary>Makes new embedding matrices from old ones. It works in slices, so that the extra memory does not grow with the vocabulary.</summary>
internal static class EmbeddingTransfer
{
    /// <summary>How many values are gathered at a time.</summary>
    private const long SliceElements = 1 << 24;

    /// <summary>Makes the new matrix of a plan.</summary>
    /// <param name="source_VH">[source rows, H] the old input or output embeddings, of any floating type.</param>
    /// <param name="plan">Where each row comes from.</param>
    /// <param name="seed">The seed of the rows that are drawn. Give the input and the output matrix different ones.</param>
    /// <returns>[rows, H] in the type and on the device of the old matrix.</returns>
    public static Tensor Apply(Tensor source_VH, TransferPlan plan, long seed)
    {
        if (source_VH.size(0) != plan.SourceRows)
            throw new InvalidOperationException($"embedding matrix of {source_VH.size(0)} rows, the plan is for {plan.SourceRows}");
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        Tensor target_VH = empty(plan.Rows, source_VH.size(1), dtype: source_VH.dtype, device: source_VH.device);
        Draw(source_VH, target_VH, plan.RandomTarget, seed);
        Copy(source_VH, target_VH, plan);
        Average(source_VH, target_VH, plan);
        return target_VH.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Makes a matrix whose rows are all the mean of the old rows, or drawn from their normal distribution. Special tokens with a role are copied.
    /// </summary>
    /// <param name="source_VH">[source rows, H] the old embeddings.</param>
    /// <param name="rows">The number of rows of the new matrix.</param>
    /// <param name="roles">For tokens of the new vocabulary with a role, such as bos, the old id with the same role.</param>
    /// <param name="start">Mean or random.</param>
    /// <param name="seed">The seed of the rows that are drawn.</param>
    /// <returns>[rows, H] in the type and on the device of the old matrix.</returns>
    public static Tensor Apply(Tensor source_VH, int rows, IReadOnlyDictionary<int, int> roles, EmbeddingStart start, long seed)
    {
        long[] copied = [.. roles.Keys.Where(id => id < rows && roles[id] < source_VH.size(0)).Order().Select(id => (long)id)];
        var isCopied = copied.ToHashSet();
        long[] others = [.. Enumerable.Range(0, rows).Select(id => (long)id).Where(id => !isCopied.Contains(id))];
        var plan = new TransferPlan(
            rows, (int)source_VH.size(0), copied, [.. copied.Select(id => (long)roles[(int)id])], [], [], [], start == EmbeddingStart.Random ? others : []);
        Tensor target_VH = Apply(source_VH, plan, seed);
        if (start == EmbeddingStart.Mean)
        {
            using var _ = no_grad();
            using var scope = NewDisposeScope();
            (Tensor mean_H, Tensor _) = Statistics(source_VH);
            Tensor index = tensor(others, device: source_VH.device);
            target_VH.index_copy_(0, index, mean_H.to_type(source_VH.dtype).expand(others.Length, -1));
        }
        return target_VH;
    }

    private static void Copy(Tensor source_VH, Tensor target_VH, TransferPlan plan)
    {
        int slice = SliceRows(source_VH);
        for (int at = 0; at < plan.CopyTarget.Length; at += slice)
        {
            using var scope = NewDisposeScope();
            int end = Math.Min(at + slice, plan.CopyTarget.Length);
            Tensor from = tensor(plan.CopySource[at..end], device: source_VH.device), to = tensor(plan.CopyTarget[at..end], device: source_VH.device);
            target_VH.index_copy_(0, to, source_VH.index_select(0, from));
        }
    }

    private static void Average(Tensor source_VH, Tensor target_VH, TransferPlan plan)
    {
        int slice = SliceRows(source_VH);
        for (int piece = 0; piece < plan.PieceTarget.Length;)
        {
            using var scope = NewDisposeScope();
            // A slice ends between two means, so that the pieces of each are all in one slice.
            int end = Math.Min(piece + slice, plan.PieceTarget.Length);
            while (end < plan.PieceTarget.Length && plan.PieceTarget[end] == plan.PieceTarget[end - 1])
                end++;
            long first = plan.PieceTarget[piece], rows = plan.PieceTarget[end - 1] - first + 1;
            var counts = new float[rows];
            var local = new long[end - piece];
            for (int p = piece; p < end; p++)
            {
                local[p - piece] = plan.PieceTarget[p] - first;
                counts[local[p - piece]]++;
            }
            Tensor pieces = source_VH.index_select(0, tensor(plan.PieceSource[piece..end], device: source_VH.device)).to_type(ScalarType.Float32);
            Tensor sums = zeros(rows, source_VH.size(1), dtype: ScalarType.Float32, device: source_VH.device)
                .index_add_(0, tensor(local, device: source_VH.device), pieces, 1);
            Tensor means = sums / tensor(counts, device: source_VH.device).unsqueeze(1);
            long[] to = plan.MeanTarget.AsSpan((int)first, (int)rows).ToArray();
            target_VH.index_copy_(0, tensor(to, device: source_VH.device), means.to_type(source_VH.dtype));
            piece = end;
        }
    }

    private static void Draw(Tensor source_VH, Tensor target_VH, long[] rows, long seed)
    {
        if (rows.Length == 0)
            return;
        using var scope = NewDisposeScope();
        (Tensor mean_H, Tensor std_H) = Statistics(source_VH);
        // Drawn on the CPU whatever the device, so that a seed gives the same rows everywhere.
        using var generator = new Generator(0, CPU);
        generator.manual_seed(seed);
        int slice = SliceRows(source_VH);
        for (int at = 0; at < rows.Length; at += slice)
        {
            using var inner = NewDisposeScope();
            int end = Math.Min(at + slice, rows.Length);
            Tensor draw = randn([end - at, source_VH.size(1)], dtype: ScalarType.Float32, device: CPU, generator: generator).to(source_VH.device);
            target_VH.index_copy_(0, tensor(rows[at..end], device: source_VH.device), (draw * std_H + mean_H).to_type(source_VH.dtype));
        }
    }

    /// <summary>The mean and the population standard deviation of each dimension, in float64 over slices.</summary>
    private static (Tensor Mean_H, Tensor Std_H) Statistics(Tensor source_VH)
    {
        using var scope = NewDisposeScope();
        long rows = source_VH.size(0);
        int slice = SliceRows(source_VH);
        Tensor sum_H = zeros(source_VH.size(1), dtype: ScalarType.Float64, device: source_VH.device);
        for (long at = 0; at < rows; at += slice)
        {
            using var inner = NewDisposeScope();
            sum_H.add_(source_VH.narrow(0, at, Math.Min(slice, rows - at)).sum(dim: 0, type: ScalarType.Float64));
        }
        Tensor mean_H = sum_H / rows, square_H = zeros_like(sum_H);
        for (long at = 0; at < rows; at += slice)
        {
            using var inner = NewDisposeScope();
            square_H.add_((source_VH.narrow(0, at, Math.Min(slice, rows - at)).to_type(ScalarType.Float64) - mean_H).square().sum(dim: 0));
        }
        return (mean_H.to_type(ScalarType.Float32).MoveToOuterDisposeScope(), (square_H / rows).sqrt().to_type(ScalarType.Float32).MoveToOuterDisposeScope());
    }

    private static int SliceRows(Tensor source_VH) => (int)Math.Max(1, SliceElements / source_VH.size(1));
}
