namespace Pipeline.Stages.Objectives;

/// <summary>Collects the chunks of a batch, row by row, and merges them by the teacher's boundary mass.</summary>
internal sealed class ChunkBatchBuilder
{
    private readonly int _rows;
    private readonly int _length;
    private readonly int[] _chunkOfPosition;
    private readonly List<int> _rowOf = [];
    private readonly List<int> _column = [];
    private readonly List<float> _logLikelihood = [];
    private readonly List<float> _logBoundary = [];
    private readonly List<int> _tokens = [];
    private readonly List<int> _teacherLast = [];
    private readonly List<int> _source = [];
    private readonly List<int> _lastPosition = [];
    private int _excluded;
    private int _straddling;

    public ChunkBatchBuilder(int rows, int length)
    {
        _rows = rows;
        _length = length;
        _chunkOfPosition = new int[rows * length];
        Array.Fill(_chunkOfPosition, -1);
    }

    /// <summary>
    /// Adds a row. A chunk whose teacher boundary mass is at most γ is merged with the next one, and so on until the mass exceeds γ. Only the teacher's
    /// mass decides. Chunks are not merged across a gap. Losses are divided by the counts of the merged chunks.
    /// </summary>
    /// <param name="row">The index of the row.</param>
    /// <param name="parts">Its chunks, in order.</param>
    /// <param name="gamma">γ; null merges none.</param>
    /// <param name="excluded">How many chunks of the row do not count.</param>
    public void Add(int row, IReadOnlyList<ChunkPart> parts, double? gamma, int excluded)
    {
        double threshold = gamma is null ? double.NegativeInfinity : Math.Log(gamma.Value);
        bool open = false;
        int column = -1;
        foreach (ChunkPart part in parts)
        {
            if (part.StudentEnd > _length)
                throw new InvalidOperationException($"chunk ends at student token {part.StudentEnd} of a row of {_length}");
            if (open && !part.AfterGap)
                Extend(part);
            else
                Open(row, ++column, part);
            int chunk = _rowOf.Count - 1;
            _lastPosition[chunk] = row * _length + part.StudentEnd - 1;
            for (int i = part.StudentStart; i < part.StudentEnd; i++)
                _chunkOfPosition[row * _length + i] = chunk;
            // If the mass may lie on either side of γ, the chunk is merged. A chunk that is too long is still compared fairly; one that is too short
            // may not be.
            (float lower, float upper) = part.Bounds ?? (part.TeacherLogBoundary, part.TeacherLogBoundary);
            open = gamma is not null && lower <= threshold;
            if (open && upper > threshold)
                _straddling++;
        }
        _excluded += excluded;
    }

    public ChunkBatch Build() => new()
    {
        Rows = _rows,
        Length = _length,
        RowOf = [.. _rowOf],
        Column = [.. _column],
        TeacherLogLikelihood = [.. _logLikelihood],
        TeacherLogBoundary = [.. _logBoundary],
        TeacherTokens = [.. _tokens],
        TeacherLast = [.. _teacherLast],
        Source = [.. _source],
        ChunkOfPosition = _chunkOfPosition,
        LastPosition = [.. _lastPosition],
        Excluded = _excluded,
        Straddling = _straddling,
    };

    private void Open(int row, int column, ChunkPart part)
    {
        _rowOf.Add(row);
        _column.Add(column);
        _logLikelihood.Add(part.TeacherLogLikelihood);
        _logBoundary.Add(part.TeacherLogBoundary);
        _tokens.Add(part.TeacherTokens);
        _teacherLast.Add(part.TeacherLast);
        _source.Add(part.Source);
        _lastPosition.Add(-1);
    }

    private void Extend(ChunkPart part)
    {
        int chunk = _rowOf.Count - 1;
        _logLikelihood[chunk] += part.TeacherLogLikelihood;
        _logBoundary[chunk] = part.TeacherLogBoundary;
        _tokens[chunk] += part.TeacherTokens;
        _teacherLast[chunk] = part.TeacherLast;
        _source[chunk] = part.Source;
    }
}
