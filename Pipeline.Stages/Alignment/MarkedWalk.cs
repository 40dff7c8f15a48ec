using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Alignment;

/// <summary>The walk of <see cref="ChunkAligner"/> where at least one side has special tokens.</summary>
internal ref struct MarkedWalk
{
    private readonly Span<Chunk> _chunks;
    private Side _teacher;
    private Side _student;
    private int _count;

    public MarkedWalk(
        ReadOnlySpan<int> teacherEnds,
        ReadOnlySpan<ushort> teacherUnits,
        ReadOnlySpan<int> studentEnds,
        ReadOnlySpan<ushort> studentUnits,
        Span<Chunk> chunks)
    {
        _teacher = new Side(teacherEnds, teacherUnits);
        _student = new Side(studentEnds, studentUnits);
        _chunks = chunks;
    }

    public int Run()
    {
        int at = 0;
        do
        {
            PairUnits(at);
        }
        while (NextText(ref at));
        return _count;
    }

    /// <summary>Pairs the units of both sides at a byte where both have a boundary, and leaves both after their last special token there.</summary>
    private void PairUnits(int at)
    {
        while (_teacher.NextUnit(at, out Unit unit))
        {
            if (unit.Label == UnitLabels.Unpaired)
                continue;
            Side ahead = _student;
            for (int looked = 0; looked < ChunkAligner.LookAhead && ahead.NextUnit(at, out Unit partner); looked++)
            {
                if (partner.Label == unit.Label)
                {
                    _chunks[_count++] = new Chunk(unit.Start, unit.End, partner.Start, partner.End);
                    _student = ahead;
                    break;
                }
            }
        }
        while (_student.NextUnit(at, out _))
        {
        }
    }

    /// <summary>Moves from a common boundary to the next one; false if a side ends before it.</summary>
    private bool NextText(ref int at)
    {
        int from = _teacher.Position, other = _student.Position;
        bool holdsMark = false;
        _teacher.Reached = at;
        _student.Reached = at;
        do
        {
            bool moved = _teacher.Reached <= _student.Reached ? _teacher.Step(ref holdsMark) : _student.Step(ref holdsMark);
            if (!moved)
                return false;
        }
        while (_teacher.Reached != _student.Reached || _teacher.Reached == at);
        at = _teacher.Reached;
        if (!holdsMark)
            _chunks[_count++] = new Chunk(from, _teacher.Position, other, _student.Position);
        return true;
    }

    private readonly record struct Unit(int Start, int End, ushort Label);

    private ref struct Side(ReadOnlySpan<int> ends, ReadOnlySpan<ushort> units)
    {
        private readonly ReadOnlySpan<int> _ends = ends;
        private readonly ReadOnlySpan<ushort> _units = units;

        /// <summary>Index of the next token.</summary>
        public int Position { get; private set; }

        /// <summary>The byte at which the tokens taken so far end.</summary>
        public int Reached { get; set; }

        /// <summary>Takes the next unit at the byte, with tokens of no bytes in front of it; takes nothing when there is none.</summary>
        public bool NextUnit(int at, out Unit unit)
        {
            int start = Position;
            while (start < _units.Length && _units[start] == UnitLabels.Text && _ends[start] == at)
                start++;
            if (start >= _units.Length || _units[start] == UnitLabels.Text || _ends[start] != at)
            {
                unit = default;
                return false;
            }
            ushort label = _units[start];
            int end = start + 1;
            while (end < _units.Length && _units[end] == label)
                end++;
            Position = end;
            unit = new Unit(start, end, label);
            return true;
        }

        public bool Step(ref bool holdsMark)
        {
            if (Position >= _ends.Length)
                return false;
            holdsMark |= _units.Length != 0 && _units[Position] != UnitLabels.Text;
            Reached = _ends[Position++];
            return true;
        }
    }
}
