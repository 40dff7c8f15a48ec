namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>When Metaspace puts its character in front of a piece that does not begin with it.</summary>
internal enum PrependScheme
{
    Always,
    First,
    Never,
}

/// <summary>The pre-tokenizer Metaspace: replaces spaces by a visible character, may put one in front of a piece, and splits before each of them.</summary>
internal sealed class MetaspaceStep(char replacement, PrependScheme scheme, bool split) : PreTokenizerStep
{
    public char Replacement => replacement;

    public bool Splits => split;

    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        List<Piece> pieces = segment.TakePieces();
        segment.BeginRewrite();
        int end = 0;
        foreach (Piece piece in pieces)
        {
            ReadOnlySpan<char> text = segment.Of(piece);
            int start = segment.RewriteLength;
            bool begins = text[0] == ' ' || text[0] == replacement;
            bool added = !begins && (scheme == PrependScheme.Always || (scheme == PrependScheme.First && piece.Has(PieceFlags.AtStart)));
            if (added)
                segment.Rewrite(replacement);
            segment.Rewrite(text).Replace(' ', replacement);
            // If an earlier step removed the space before this piece, the character stands for that space and is not an insertion.
            bool dummy = added && !(piece.Start == end + 1 && segment.Characters[end] == ' ');
            end = piece.Start + piece.Length;
            segment.Pieces.Add(new Piece(start, segment.RewriteLength - start, dummy ? piece.Flags | PieceFlags.Dummy : piece.Flags));
        }
        segment.EndRewrite();
        if (split)
            Split(segment);
    }

    private void Split(SegmentText segment)
    {
        List<Piece> pieces = segment.TakePieces();
        foreach (Piece piece in pieces)
        {
            ReadOnlySpan<char> text = segment.Of(piece);
            int start = 0;
            PieceFlags flags = piece.Flags;
            for (int next; start < text.Length; start = next)
            {
                int at = text[(start + 1)..].IndexOf(replacement);
                next = at < 0 ? text.Length : start + 1 + at;
                segment.Pieces.Add(new Piece(piece.Start + start, next - start, flags));
                // If the inserted character is a piece of its own, the text still starts at the piece after it.
                flags = start == 0 && next == 1 && piece.Has(PieceFlags.Dummy) ? piece.Flags & PieceFlags.AtStart : PieceFlags.None;
            }
        }
    }
}
