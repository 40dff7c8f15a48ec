using System.Text;
using Pipeline.Stages.Tokenization.AddedTokens;
using Pipeline.Stages.Tokenization.Decoding;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>The byte views of a vocabulary: for each id, the bytes of text that its token spells. All are in one block.</summary>
internal sealed class ByteViews
{
    private readonly byte[] _bytes;
    private readonly int[] _starts;

    public ByteViews(TokenizerDefinition definition, string?[] tokens, AddedToken?[] added)
    {
        _starts = new int[tokens.Length + 1];
        var bytes = new MemoryStream(tokens.Length * 8);
        for (int id = 0; id < tokens.Length; id++)
        {
            _starts[id] = (int)bytes.Length;
            if (added[id] is { } mark)
                bytes.Write(Encoding.UTF8.GetBytes(definition.IsWhiteSpace(mark) ? mark.Content.Replace(definition.Space ?? ' ', ' ') : mark.Content));
            else if (tokens[id] is { } token)
                bytes.Write(View(token, definition));
        }
        _starts[^1] = (int)bytes.Length;
        _bytes = bytes.ToArray();
    }

    public ReadOnlySpan<byte> this[int id]
        => (uint)id < (uint)(_starts.Length - 1) ? _bytes.AsSpan(_starts[id].._starts[id + 1]) : [];

    private static byte[] View(string token, TokenizerDefinition definition)
    {
        if (definition.IsByteLevel && ByteAlphabet.Bytes(token) is { } bytes)
            return bytes;
        if (definition.Model.ByteFallback && ByteFallbackDecoder.ByteOf(token) is { } value)
            return [value];
        return Encoding.UTF8.GetBytes(definition.Space is { } space ? token.Replace(space, ' ') : token);
    }
}
