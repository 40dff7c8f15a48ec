using System.Text;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Splitting;

/// <summary>
/// Puts a space in front of every piece that does not begin with one. This is what the pre-tokenizer ByteLevel does first, if it has add_prefix_space.
/// </summary>
internal sealed class PrefixSpaceStep : PreTokenizerStep
{
    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        List<Piece> pieces = segment.TakePieces();
        segment.BeginRewrite();
        foreach (Piece piece in pieces)
        {
            ReadOnlySpan<char> text = segment.Of(piece);
            int start = segment.RewriteLength;
            bool dummy = text[0] != ' ';
            if (dummy)
                segment.Rewrite(' ');
            segment.Rewrite(text);
            segment.Pieces.Add(new Piece(start, segment.RewriteLength - start, dummy ? piece.Flags | PieceFlags.Dummy : piece.Flags));
        }
        segment.EndRewrite();
    }
}

/// <summary>
/// Replaces every byte of the pieces' UTF-8 by its character in the byte alphabet. This is needed only where another step follows: a model that comes
/// directly after it works on the bytes themselves.
/// </summary>
internal sealed class ByteCharactersStep : PreTokenizerStep
{
    public override void Apply(SegmentText segment, SplitScratch scratch)
    {
        List<Piece> pieces = segment.TakePieces();
        segment.BeginRewrite();
        foreach (Piece piece in pieces)
        {
            int start = segment.RewriteLength;
            WriteBytes(segment.Of(piece), segment);
            segment.Pieces.Add(piece with { Start = start, Length = segment.RewriteLength - start });
        }
        segment.EndRewrite();
    }

    public static void WriteBytes(ReadOnlySpan<char> text, SegmentText segment)
    {
        Span<byte> bytes = stackalloc byte[4];
        foreach (Rune rune in text.EnumerateRunes())
        {
            int count = rune.EncodeToUtf8(bytes);
            foreach (byte value in bytes[..count])
                segment.Rewrite(ByteAlphabet.Character(value));
        }
    }
}
