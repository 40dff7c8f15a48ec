using Pipeline.Stages.Tokenization.Patterns;

namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>
/// The matches of a pattern from left to right, as the iterator of Oniguruma gives them: an empty match does not come directly after another match.
/// </summary>
internal ref struct MatchWalk(PatternMatcher matcher, ReadOnlySpan<char> text, SplitScratch scratch)
{
    private readonly ReadOnlySpan<char> _text = text;
    private int _from;
    private int _lastEnd = -1;

    public bool Next(out int start, out int end)
    {
        while (_from <= _text.Length && matcher.Find(_text, _from, ref scratch.Match, out start, out int length))
        {
            end = start + length;
            if (length > 0 || end != _lastEnd)
            {
                _from = _lastEnd = end;
                return true;
            }
            bool pair = end + 1 < _text.Length && char.IsSurrogatePair(_text[end], _text[end + 1]);
            _from = end + (pair ? 2 : 1);
        }
        (start, end) = (0, 0);
        return false;
    }
}
