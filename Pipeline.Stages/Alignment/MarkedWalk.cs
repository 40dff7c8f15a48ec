using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Alignment;

/// <summary>The walk of <see cref="ChunkAligner"/> for the case that at least one side has tokens that are not text (marks).</summary>
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

    /// <summary>Walks over both sides and returns the number of chunks.</summary>
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

    /// <summary>
    /// Pairs the units that both sides have at a byte where both have a token boundary. Afterwards both sides are past their last unit there.
    /// </summary>
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

    /// <summary>
    /// Moves both sides from one common token boundary to the next, and makes a chunk of the text between. False if a side ends before.
    /// </summary>
    private bool NextText(ref int at)
    {
        int teacherStart = _teacher.Position, studentStart = _student.Position;
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
            _chunks[_count++] = new Chunk(teacherStart, _teacher.Position, studentStart, _student.Position);
        return true;
    }

    private readonly record struct Unit(int Start, int End, ushort Label);

    private ref struct Side(ReadOnlySpan<int> ends, ReadOnlySpan<ushort> units)
    {
        private readonly ReadOnlySpan<int> _ends = ends;
        private readonly ReadOnlySpan<ushort> _units = units;

        /// <summary>The index of the next token.</summary>
        public int Position { get; private set; }

        /// <summary>The byte where the tokens taken so far end.</summary>
        public int Reached { get; set; }

        /// <summary>Takes the next unit at a byte and passes over tokens without bytes in front of it. Takes nothing if there is none.</summary>
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

        /// <summary>Takes the next token, and sets <paramref name="holdsMark"/> if it is not text. False if there is none.</summary>
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
