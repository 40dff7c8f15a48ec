using Pipeline.Stages.Tokenization.Patterns;

namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>
/// Splits pieces where a pattern matches. The pre-tokenizers Split, Digits, Punctuation, Whitespace and others are this step with different patterns.
/// </summary>
internal sealed class SplitStep(PatternMatcher matcher, SplitBehavior behavior, bool invert) : PreTokenizerStep
{
    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        List<Piece> pieces = segment.TakePieces();
        foreach (Piece piece in pieces)
        {
            ReadOnlySpan<char> text = segment.Of(piece);
            scratch.Match.Reset(text.Length);
            if (behavior == SplitBehavior.Isolated)
                Isolate(piece, text, segment.Pieces, scratch);
            else
                SplitRuns(piece, text, segment.Pieces, scratch);
        }
    }

    private void Isolate(Piece piece, ReadOnlySpan<char> text, List<Piece> pieces, SplitScratch scratch)
    {
        var matches = new MatchWalk(matcher, text, scratch);
        int before = 0;
        while (matches.Next(out int start, out int end))
        {
            Add(piece, before, start, pieces);
            Add(piece, start, end, pieces);
            before = end;
        }
        Add(piece, before, text.Length, pieces);
    }

    private void SplitRuns(Piece piece, ReadOnlySpan<char> text, List<Piece> pieces, SplitScratch scratch)
    {
        List<(int Start, int End, bool IsMatch)> runs = scratch.Runs;
        runs.Clear();
        var matches = new MatchWalk(matcher, text, scratch);
        int before = 0;
        while (matches.Next(out int start, out int end))
        {
            if (start != before)
                runs.Add((before, start, invert));
            runs.Add((start, end, !invert));
            before = end;
        }
        if (before != text.Length)
            runs.Add((before, text.Length, invert));

        switch (behavior)
        {
            case SplitBehavior.Removed:
                foreach ((int start, int end, bool isMatch) in runs)
                {
                    if (!isMatch)
                        Add(piece, start, end, pieces);
                }
                break;
            case SplitBehavior.MergedWithNext:
                MergeWithNext(piece, runs, pieces);
                break;
            default:
                Merge(piece, runs, pieces);
                break;
        }
    }

    private void Merge(Piece piece, List<(int Start, int End, bool IsMatch)> runs, List<Piece> pieces)
    {
        int openStart = -1;
        int openEnd = 0;
        bool previous = false;
        foreach ((int start, int end, bool isMatch) in runs)
        {
            bool joins = openStart >= 0
                && (behavior == SplitBehavior.Contiguous ? isMatch == previous : isMatch && !previous);
            if (!joins)
            {
                if (openStart >= 0)
                    Add(piece, openStart, openEnd, pieces);
                openStart = start;
            }
            openEnd = end;
            previous = isMatch;
        }
        if (openStart >= 0)
            Add(piece, openStart, openEnd, pieces);
    }

    private static void MergeWithNext(Piece piece, List<(int Start, int End, bool IsMatch)> runs, List<Piece> pieces)
    {
        // This is the same as going from the end and joining each match to the run after it, unless that run is a match too.
        for (int i = 0; i < runs.Count; i++)
        {
            bool joins = runs[i].IsMatch && i + 1 < runs.Count && !runs[i + 1].IsMatch;
            Add(piece, runs[i].Start, joins ? runs[i + 1].End : runs[i].End, pieces);
            if (joins)
                i++;
        }
    }

    private static void Add(Piece piece, int start, int end, List<Piece> pieces)
    {
        if (end <= start)
            return;
        PieceFlags flags = PieceFlags.None;
        if (piece.Flags != PieceFlags.None)
        {
            if (start == 0)
                flags = piece.Flags;
            else if (start == 1 && piece.Has(PieceFlags.Dummy))
                flags = piece.Flags & PieceFlags.AtStart;
        }
        pieces.Add(new Piece(piece.Start + start, end - start, flags));
    }
}
