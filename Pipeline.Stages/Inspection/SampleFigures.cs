using System.Text;

using Pipeline.Contracts.Records;
using Pipeline.Stages.Alignment;

namespace Pipeline.Stages.Inspection;

/// <summary>Adds up the figures of a sample, document by document.</summary>
/// <param name="limits">The limits on tokens per document whose effect is to be shown.</param>
internal sealed class SampleFigures(IReadOnlyList<int> limits)
{
    private static readonly (int From, int? To)[] Lengths = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 8), (9, 16), (17, 32), (33, null)];

    private readonly long[] _teacherLengths = new long[Lengths.Length];
    private readonly long[] _studentLengths = new long[Lengths.Length];
    private readonly LimitRow[] _limits = [.. limits.Select(l => new LimitRow(l, 0, 0, 0, 0))];
    private RunFigures _digits = new("digits", 0, 0, 0, 0);
    private RunFigures _punctuation = new("punctuation", 0, 0, 0, 0);
    private long _documents, _bytes, _covered, _teacherTokens, _studentTokens, _chunks, _oneToOne;

    public TextFigures Text => new(_documents, _bytes, _covered, _teacherTokens, _studentTokens, _chunks, _oneToOne);

    public IReadOnlyList<ChunkLengthRow> ChunkLengths
        => [.. Lengths.Select((l, i) => new ChunkLengthRow(l.From, l.To, _teacherLengths[i], _studentLengths[i]))];

    public IReadOnlyList<RunFigures> Runs => [_digits, _punctuation];

    public IReadOnlyList<LimitRow> Limits => _limits;

    /// <summary>Adds a document.</summary>
    /// <param name="text">Its text, normalized.</param>
    /// <param name="teacher">The teacher's tokens of it, with bos and eos.</param>
    /// <param name="student">The student's.</param>
    public void Add(string text, TokenSequence teacher, TokenSequence student)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        _documents++;
        _bytes += bytes.Length;
        _teacherTokens += TextTokens(teacher);
        _studentTokens += TextTokens(student);
        foreach (Chunk chunk in ChunkAligner.Align(teacher, student))
        {
            if (teacher.Unit(chunk.TeacherStart) != UnitLabels.Text)
                continue;
            int teacherLength = chunk.TeacherEnd - chunk.TeacherStart, studentLength = chunk.StudentEnd - chunk.StudentStart;
            _chunks++;
            _oneToOne += teacherLength == 1 && studentLength == 1 ? 1 : 0;
            _covered += teacher.ByteEnds[chunk.TeacherEnd - 1] - (chunk.TeacherStart == 0 ? 0 : teacher.ByteEnds[chunk.TeacherStart - 1]);
            _teacherLengths[Bucket(teacherLength)]++;
            _studentLengths[Bucket(studentLength)]++;
        }
        AddRuns(bytes, teacher, student);
        for (int i = 0; i < _limits.Length; i++)
            _limits[i] = WithDocument(_limits[i], bytes.Length, teacher, student);
    }

    private void AddRuns(byte[] bytes, TokenSequence teacher, TokenSequence student)
    {
        bool[] teacherCuts = Cuts(teacher, bytes.Length), studentCuts = Cuts(student, bytes.Length);
        for (int start = 0; start < bytes.Length;)
        {
            int kind = KindOf(bytes[start]), end = start + 1;
            while (end < bytes.Length && KindOf(bytes[end]) == kind)
                end++;
            if (kind == 1)
                _digits = WithRun(_digits, teacherCuts, studentCuts, start, end);
            else if (kind == 2)
                _punctuation = WithRun(_punctuation, teacherCuts, studentCuts, start, end);
            start = end;
        }
    }

    private static RunFigures WithRun(RunFigures figures, bool[] teacherCuts, bool[] studentCuts, int start, int end) => figures with
    {
        Runs = figures.Runs + 1,
        SameCuts = figures.SameCuts + (teacherCuts.AsSpan(start, end - start + 1).SequenceEqual(studentCuts.AsSpan(start, end - start + 1)) ? 1 : 0),
        TeacherTokens = figures.TeacherTokens + teacherCuts.AsSpan(start + 1, end - start).Count(true),
        StudentTokens = figures.StudentTokens + studentCuts.AsSpan(start + 1, end - start).Count(true),
    };

    private static LimitRow WithDocument(LimitRow row, int bytes, TokenSequence teacher, TokenSequence student) => row with
    {
        TeacherOver = row.TeacherOver + (teacher.Count > row.Tokens ? 1 : 0),
        StudentOver = row.StudentOver + (student.Count > row.Tokens ? 1 : 0),
        TeacherBytesBeyond = row.TeacherBytesBeyond + (teacher.Count > row.Tokens ? bytes - teacher.ByteEnds[row.Tokens - 1] : 0),
        StudentBytesBeyond = row.StudentBytesBeyond + (student.Count > row.Tokens ? bytes - student.ByteEnds[row.Tokens - 1] : 0),
    };

    private static bool[] Cuts(TokenSequence side, int bytes)
    {
        bool[] cuts = new bool[bytes + 1];
        cuts[0] = true;
        foreach (int end in side.ByteEnds)
            cuts[end] = true;
        return cuts;
    }

    private static int KindOf(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => 1,
        _ when b < 0x80 && (char.IsPunctuation((char)b) || char.IsSymbol((char)b)) => 2,
        _ => 0,
    };

    private static int TextTokens(TokenSequence side) => side.Units is null ? side.Count : side.Units.Count(u => u == UnitLabels.Text);

    private static int Bucket(int length) => Array.FindIndex(Lengths, l => length >= l.From && length <= (l.To ?? int.MaxValue));
}
