using System.Runtime.InteropServices;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization.Bpe;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Unigram;

/// <summary>Encodes pieces for one worker with a Unigram model.</summary>
internal sealed class UnigramEncoder(UnigramModel model) : PieceEncoder
{
    private readonly WordCache _cache = new();
    private readonly Lattice _lattice = new(model);
    private byte[] _utf8 = new byte[256];

    public override void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (piece.Length > WordCache.MaxWord)
        {
            Segment(piece, ids);
            return;
        }
        uint hash = WordCache.Hash(piece);
        if (_cache.TryAppend(piece, hash, ids))
            return;
        int before = ids.Count;
        Segment(piece, ids);
        if (ids.Count - before <= byte.MaxValue)
            _cache.Add(piece, hash, CollectionsMarshal.AsSpan(ids)[before..]);
    }

    private void Segment(ReadOnlySpan<char> piece, List<int> ids)
    {
        int most = Encoding.UTF8.GetMaxByteCount(piece.Length);
        if (_utf8.Length < most)
            _utf8 = new byte[most];
        ReadOnlySpan<byte> bytes = _utf8.AsSpan(0, Encoding.UTF8.GetBytes(piece, _utf8));
        _lattice.Run(bytes, model.OnBytes);
        List<(int Start, int Id)> pieces = _lattice.Pieces;
        for (int i = 0; i < pieces.Count;)
        {
            if (pieces[i].Id >= 0 && pieces[i].Id != model.Unknown)
            {
                ids.Add(pieces[i++].Id);
                continue;
            }
            // As in the crate, unknown characters in a row are taken together.
            int start = pieces[i].Start;
            while (i < pieces.Count && (pieces[i].Id < 0 || pieces[i].Id == model.Unknown))
                i++;
            AddUnknown(bytes[start..(i < pieces.Count ? pieces[i].Start : bytes.Length)], ids);
        }
    }

    private void AddUnknown(ReadOnlySpan<byte> bytes, List<int> ids)
    {
        string text = model.OnBytes ? ByteAlphabet.Text(bytes) : Encoding.UTF8.GetString(bytes);
        if (model.Tokens.TryGetValue(text, out int whole))
        {
            ids.Add(whole);
            return;
        }
        byte[] spelt = Encoding.UTF8.GetBytes(text);
        if (model.ByteFallback && spelt.All(b => model.FallbackBytes[b] >= 0))
        {
            foreach (byte value in spelt)
                ids.Add(model.FallbackBytes[value]);
            return;
        }
        ids.Add(model.Unknown >= 0
            ? model.Unknown
            : throw new InputException($"the tokenizer has no token for '{text}' and no unknown token (unk_id is null); Hugging Face's tokenizers also fails on such a text"));
    }
}
