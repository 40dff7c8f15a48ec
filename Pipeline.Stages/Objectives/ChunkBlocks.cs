namespace Pipeline.Stages.Objectives;

/// <summary>
/// Blocks: runs of neighbouring chunks of a row that are compared as one (<c>distill_chunk_sizes</c> in the reference). C chunks, K blocks.
/// </summary>
/// <param name="BlockOfChunk">[C] the block of each chunk, ascending.</param>
/// <param name="LastChunk">[K] the last chunk of each block. Its boundary mass is that of the block.</param>
/// <param name="TeacherLogLikelihood">[K] the teacher's log-likelihood of each block, summed over its chunks.</param>
/// <param name="TeacherLogBoundary">[K] the teacher's log boundary mass after each block.</param>
/// <param name="TeacherTokens">[K] the number of teacher tokens in each block.</param>
internal sealed record ChunkBlocks(
    int[] BlockOfChunk, int[] LastChunk, float[] TeacherLogLikelihood, float[] TeacherLogBoundary, int[] TeacherTokens)
{
    public int Count => LastChunk.Length;

    /// <summary>Cuts the chunks of each row into blocks of <paramref name="size"/>. The last block of a row may be shorter.</summary>
    public static ChunkBlocks Of(ChunkBatch chunks, int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        if (size == 1)
        {
            int[] same = [.. Enumerable.Range(0, chunks.Count)];
            return new ChunkBlocks(same, same, chunks.TeacherLogLikelihood, chunks.TeacherLogBoundary, chunks.TeacherTokens);
        }
        var block = new int[chunks.Count];
        List<int> last = [], tokens = [];
        List<float> logLikelihood = [];
        for (int c = 0; c < chunks.Count; c++)
        {
            bool opens = c == 0 || chunks.RowOf[c] != chunks.RowOf[c - 1] || chunks.Column[c] / size != chunks.Column[c - 1] / size;
            if (opens)
            {
                last.Add(c);
                tokens.Add(0);
                logLikelihood.Add(0);
            }
            block[c] = last.Count - 1;
            last[^1] = c;
            tokens[^1] += chunks.TeacherTokens[c];
            logLikelihood[^1] += chunks.TeacherLogLikelihood[c];
        }
        return new ChunkBlocks(block, [.. last], [.. logLikelihood], [.. last.Select(c => chunks.TeacherLogBoundary[c])], [.. tokens]);
    }
}
