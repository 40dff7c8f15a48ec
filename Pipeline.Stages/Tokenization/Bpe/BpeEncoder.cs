using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Bpe;

/// <summary>Encodes pieces for one worker with the tables of a BPE model.</summary>
internal sealed class BpeEncoder(BpeModel model) : PieceEncoder
{
    private readonly WordCache _cache = new();
    private readonly MergeScratch _merges = new(model.Merges);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _tokens
        = model.Tokens.GetAlternateLookup<ReadOnlySpan<char>>();

    public override void Encode(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (model.Joins is null)
        {
            EncodeWord(piece, ids);
            return;
        }
        int start = 0;
        for (int i = 1; i < piece.Length; i++)
        {
            // Unknown characters may be fused into one token, so a cut needs a known character on each side.
            if (!model.Joins.MayJoin(piece[i - 1], piece[i]) && model.Character(piece[i - 1]) >= 0 && model.Character(piece[i]) >= 0)
            {
                EncodeWord(piece[start..i], ids);
                start = i;
            }
        }
        EncodeWord(piece[start..], ids);
    }

    private void EncodeWord(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.Length > WordCache.MaxWord)
        {
            Merge(word, ids);
            return;
        }
        uint hash = WordCache.Hash(word);
        if (_cache.TryAppend(word, hash, ids))
            return;
        int before = ids.Count;
        Merge(word, ids);
        if (ids.Count - before <= byte.MaxValue)
            _cache.Add(word, hash, CollectionsMarshal.AsSpan(ids)[before..]);
    }

    private void Merge(ReadOnlySpan<char> word, List<int> ids)
    {
        if (model.Options.IgnoreMerges && FindWhole(word, out int whole))
        {
            ids.Add(whole);
            return;
        }
        _merges.Begin(checked(word.Length * 3));
        if (model.OnBytes)
            AddBytes(word);
        else if (model.Plain)
            AddCharacters(word);
        else
            AddMarkedCharacters(word);
        _merges.Run(ids);
    }

    private bool FindWhole(ReadOnlySpan<char> word, out int id)
    {
        if (!model.OnBytes)
            return _tokens.TryGetValue(word, out id);
        int most = word.Length * 3;
        byte[] bytes = ArrayPool<byte>.Shared.Rent(most);
        char[] characters = ArrayPool<char>.Shared.Rent(most);
        int count = Encoding.UTF8.GetBytes(word, bytes);
        for (int i = 0; i < count; i++)
            characters[i] = ByteAlphabet.Character(bytes[i]);
        bool found = _tokens.TryGetValue(characters.AsSpan(0, count), out id);
        ArrayPool<byte>.Shared.Return(bytes);
        ArrayPool<char>.Shared.Return(characters);
        return found;
    }

    private void AddBytes(ReadOnlySpan<char> word)
    {
        Span<byte> bytes = stackalloc byte[3 * 256];
        Span<byte> character = stackalloc byte[2];
        var unknown = new UnknownRun(model, _merges);
        while (!word.IsEmpty)
        {
            int take = Math.Min(word.Length, 256);
            if (take < word.Length && char.IsHighSurrogate(word[take - 1]))
                take--;
            int count = Encoding.UTF8.GetBytes(word[..take], bytes);
            foreach (byte value in bytes[..count])
            {
                int id = model.ByteSymbols[value];
                if (id >= 0)
                {
                    unknown.Known(id);
                    continue;
                }
                int length = Encoding.UTF8.GetBytes([ByteAlphabet.Character(value)], character);
                unknown.Missing(character[..length]);
            }
            word = word[take..];
        }
        unknown.End();
    }

    private void AddCharacters(ReadOnlySpan<char> word)
    {
        Span<byte> bytes = stackalloc byte[4];
        var unknown = new UnknownRun(model, _merges);
        for (int i = 0; i < word.Length;)
        {
            int width = char.IsHighSurrogate(word[i]) && i + 1 < word.Length ? 2 : 1;
            int id = model.Character(word[i]);
            if (width == 2 && !_tokens.TryGetValue(word.Slice(i, 2), out id))
                id = -1;
            if (id >= 0)
                unknown.Known(id);
            else
                unknown.Missing(bytes[..Encoding.UTF8.GetBytes(word.Slice(i, width), bytes)]);
            i += width;
        }
        unknown.End();
    }

    /// <summary>Adds the characters with the prefix on each but the first and the suffix on the last, as the vocabulary spells them.</summary>
    private void AddMarkedCharacters(ReadOnlySpan<char> word)
    {
        var unknown = new UnknownRun(model, _merges);
        for (int i = 0; i < word.Length;)
        {
            int width = char.IsHighSurrogate(word[i]) && i + 1 < word.Length ? 2 : 1;
            string symbol = string.Concat(
                i > 0 ? model.Options.ContinuingPrefix : null,
                word.Slice(i, width),
                i + width == word.Length ? model.Options.WordSuffix : null);
            if (model.Tokens.TryGetValue(symbol, out int id))
                unknown.Known(id);
            else
                unknown.Missing(Encoding.UTF8.GetBytes(symbol));
            i += width;
        }
        unknown.End();
    }
}
