using Pipeline.Contracts.Errors;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Evaluation;

/// <summary>
/// Judges a model by its exact distribution over the next byte at every byte of every window, and compares it with a reference. The batches do not
/// depend on the number of ranks, which share them; so the results do not depend on it either.
/// </summary>
internal sealed class ByteJudge(TorchDevice device, int batchTokens, IRanks ranks)
{
    private const int Figures = 7;

    // The indices of the figures that are kept for each window. RuledOut counts the bytes at which the divergence is infinite.
    private const int LogLikelihood = 0, Unscored = 1, Divergence = 2, RuledOut = 3, Compared = 4, Same = 5, Bytes = 6;

    /// <summary>Judges all windows. Every rank must call it, and gets the same result.</summary>
    /// <param name="side">The model or ensemble that is judged.</param>
    /// <param name="reference">What it is compared with. Null where there is nothing to compare with; <paramref name="side"/> itself is allowed.</param>
    /// <param name="windows">The text that is judged, with its context.</param>
    /// <param name="afterBatch">Called after each batch with the number of windows that this rank has done. An exception from it stops the work.</param>
    /// <param name="cancellationToken">Stops the work between batches.</param>
    public async Task<ExactResult> JudgeAsync(
        ByteSide side, ByteSide? reference, IReadOnlyList<WindowText> windows, Action<int> afterBatch, CancellationToken cancellationToken)
    {
        // The tree of contexts has about one node at each byte.
        int[] lengths = [.. windows.Select(w => 1 + System.Text.Encoding.UTF8.GetByteCount(w.Whole))];
        var figures = new double[windows.Count * Figures];
        int done = 0, turn = 0;
        foreach (int[] batch in LengthBatches.Plan(lengths, batchTokens))
        {
            if (turn++ % ranks.Count != ranks.Rank)
                continue;
            WindowText[] texts = [.. batch.Select(i => windows[i])];
            try
            {
                await device.RunAsync(() => Judge(side, reference, texts, batch, figures), cancellationToken);
            }
            catch (Exception e) when (MemoryExhaustion.Is(e))
            {
                throw MemoryExhaustion.At(
                    $"evaluation by exact bytes, batch of {batch.Length} windows of up to {batch.Max(i => lengths[i])} bytes", e, $"lower batchTokens (now {batchTokens}) or windowBytes");
            }
            done += batch.Length;
            afterBatch(done);
        }
        // Each window was judged by one rank, and its figures are 0 on the others.
        ranks.Sum(figures.AsSpan());
        double Sum(int figure) => Enumerable.Range(0, windows.Count).Sum(w => figures[(w * Figures) + figure]);
        (double bytes, double compared, double divergences) = (Sum(Bytes), Sum(Compared), Sum(Compared) - Sum(RuledOut));
        double bits = BitsPerByte.Bits(Sum(LogLikelihood), (long)Sum(Unscored));
        var result = new ExactResult(BitsPerByte.Of(bits, (long)bytes), bits, (long)Sum(Unscored));
        return reference is null ? result : result with
        {
            Agreement = compared > 0 ? Sum(Same) / compared : null,
            Divergence = divergences > 0 ? Sum(Divergence) / Math.Log(2) / divergences : null,
            ComparedBytes = (long)compared,
            RuledOutBytes = (long)Sum(RuledOut),
        };
    }

    private static void Judge(ByteSide side, ByteSide? reference, WindowText[] windows, int[] batch, double[] figures)
    {
        string[] texts = [.. windows.Select(w => w.Whole)];
        IReadOnlyList<double[]> own = side.Score(texts);
        IReadOnlyList<double[]>? others = reference is null ? null : ReferenceEquals(reference, side) ? own : reference.Score(texts);
        for (int t = 0; t < texts.Length; t++)
        {
            Span<double> window = figures.AsSpan(batch[t] * Figures, Figures);
            byte[] bytes = System.Text.Encoding.UTF8.GetBytes(texts[t]);
            int first = windows[t].BytesBefore;
            window[Bytes] = bytes.Length - first;
            for (int k = first; k < bytes.Length; k++)
            {
                ReadOnlySpan<double> p = own[t].AsSpan(k * ByteVocabulary.Symbols, ByteVocabulary.Symbols);
                if (double.IsNaN(p[0]))
                    window[Unscored]++;
                else
                    window[LogLikelihood] += Math.Log(p[bytes[k]]);
                if (others is not null)
                    Compare(others[t].AsSpan(k * ByteVocabulary.Symbols, ByteVocabulary.Symbols), p, window);
            }
        }
    }

    private static void Compare(ReadOnlySpan<double> reference, ReadOnlySpan<double> p, Span<double> window)
    {
        if (double.IsNaN(p[0]) || double.IsNaN(reference[0]))
            return;
        window[Compared]++;
        window[Same] += Largest(p) == Largest(reference) ? 1 : 0;
        double divergence = 0;
        for (int x = 0; x < p.Length; x++)
        {
            if (reference[x] > 0)
                divergence += reference[x] * Math.Log(reference[x] / p[x]);
        }
        if (double.IsInfinity(divergence))
            window[RuledOut]++;
        else
            window[Divergence] += divergence;
    }

    private static int Largest(ReadOnlySpan<double> p)
    {
        int best = 0;
        for (int x = 1; x < p.Length; x++)
        {
            if (p[x] > p[best])
                best = x;
        }
        return best;
    }
}
