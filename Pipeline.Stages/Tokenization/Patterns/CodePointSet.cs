using System.Globalization;

namespace Pipeline.Stages.Tokenization.Patterns;

/// <summary>An immutable set of Unicode code points, stored as sorted half-open ranges.</summary>
internal sealed class CodePointSet
{
    /// <summary>The largest code point plus one.</summary>
    public const int End = 0x110000;

    // Pairs of start (inclusive) and end (exclusive), in ascending order. No range is empty, and no two touch.
    private readonly int[] _bounds;

    private CodePointSet(int[] bounds) => _bounds = bounds;

    public static CodePointSet Empty { get; } = new([]);

    public static CodePointSet All { get; } = new([0, End]);

    public ReadOnlySpan<int> Bounds => _bounds;

    public bool IsEmpty => _bounds.Length == 0;

    public static CodePointSet Of(int codePoint) => new([codePoint, codePoint + 1]);

    /// <summary>The code points from first to last, both included.</summary>
    public static CodePointSet Range(int first, int last) => new([first, last + 1]);

    /// <summary>Reads ranges such as <c>"41-5a 61"</c>, in hexadecimal, with both ends included.</summary>
    public static CodePointSet Parse(string ranges)
    {
        var pairs = new List<(int, int)>();
        foreach (string range in ranges.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] ends = range.Split('-');
            int first = int.Parse(ends[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            int last = ends.Length == 1 ? first : int.Parse(ends[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            pairs.Add((first, last + 1));
        }
        return FromPairs(pairs);
    }

    public static CodePointSet FromPairs(List<(int Start, int End)> pairs)
    {
        pairs.Sort();
        var bounds = new List<int>(pairs.Count * 2);
        foreach ((int start, int end) in pairs)
        {
            if (bounds.Count > 0 && start <= bounds[^1])
                bounds[^1] = Math.Max(bounds[^1], end);
            else
            {
                bounds.Add(start);
                bounds.Add(end);
            }
        }
        return new CodePointSet([.. bounds]);
    }

    public static CodePointSet Union(params ReadOnlySpan<CodePointSet> sets)
    {
        var pairs = new List<(int, int)>();
        foreach (CodePointSet set in sets)
            set.AddPairsTo(pairs);
        return FromPairs(pairs);
    }

    public CodePointSet Complement()
    {
        var bounds = new List<int>(_bounds.Length + 2);
        int from = 0;
        for (int i = 0; i < _bounds.Length; i += 2)
        {
            if (_bounds[i] > from)
            {
                bounds.Add(from);
                bounds.Add(_bounds[i]);
            }
            from = _bounds[i + 1];
        }
        if (from < End)
        {
            bounds.Add(from);
            bounds.Add(End);
        }
        return new CodePointSet([.. bounds]);
    }

    public CodePointSet Intersect(CodePointSet other) => Union(Complement(), other.Complement()).Complement();

    public CodePointSet Except(CodePointSet other) => Intersect(other.Complement());

    public bool Overlaps(CodePointSet other) => !Intersect(other).IsEmpty;

    public bool Contains(int codePoint)
    {
        int at = Array.BinarySearch(_bounds, codePoint);
        // An exact hit at an even index is the start of a range (inside); at an odd one, an end (outside).
        return at >= 0 ? (at & 1) == 0 : (~at & 1) == 1;
    }

    private void AddPairsTo(List<(int, int)> pairs)
    {
        for (int i = 0; i < _bounds.Length; i += 2)
            pairs.Add((_bounds[i], _bounds[i + 1]));
    }
}
