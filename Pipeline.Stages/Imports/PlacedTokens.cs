using System.Globalization;
using System.Text;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Imports;

/// <summary>
/// Places tokens that were made elsewhere on the bytes of their text. Each token must spell the bytes that come next. A prompt becomes a single token
/// without a score, since nothing says how the teacher tokenized it.
/// </summary>
internal static class PlacedTokens
{
    /// <summary>The id of a token of which only the bytes are known.</summary>
    public const int UnknownId = -1;

    /// <summary>The row's tokens with their ends in the text. Tokens without bytes are special: bos in front, eos at the end, or unpaired between.</summary>
    /// <param name="id">The row's id.</param>
    /// <param name="row">The row, whose lists must have the same length.</param>
    /// <param name="text">Prompt and text in UTF-8.</param>
    /// <param name="promptBytes">How many bytes of it are the prompt.</param>
    /// <param name="tokenizer">The teacher's tokenizer: checks ids, and knows bytes that the row lacks. Null where the row has all bytes.</param>
    /// <exception cref="RejectedException">The tokens do not spell the text, or an id is unknown or disagrees with its bytes.</exception>
    public static TokenSequence Of(DocumentId id, ScoredRow row, ReadOnlySpan<byte> text, int promptBytes, TextTokenizer? tokenizer)
    {
        int lead = promptBytes > 0 ? 1 : 0, count = row.Count;
        int[] ids = new int[lead + count], ends = new int[lead + count];
        var units = new ushort[lead + count];
        if (lead > 0)
            (ids[0], ends[0]) = (UnknownId, promptBytes);
        int at = promptBytes;
        bool afterMark = true;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> view = View(id, row, i, tokenizer, out bool canBeMark);
            int length = Length(view, text[at..], afterMark);
            if (length < 0 && !canBeMark)
                throw Misspelt(id, i, view, text, at);
            afterMark = length < 0;
            at += Math.Max(0, length);
            ids[lead + i] = row.Ids?[i] ?? UnknownId;
            ends[lead + i] = at;
            if (afterMark)
                units[lead + i] = i + lead == 0 ? UnitLabels.Bos : i == count - 1 && at == text.Length ? UnitLabels.Eos : UnitLabels.Unpaired;
        }
        if (at != text.Length)
            throw new RejectedException(id, ImportRejects.Spelling, string.Create(CultureInfo.InvariantCulture, $"they spell {at - promptBytes} bytes, but the text has {text.Length - promptBytes}"));
        var tokens = new TokenSequence(ids, ends, Array.TrueForAll(units, u => u == UnitLabels.Text) ? null : units);
        return lead == 0 ? tokens : tokens with { LossMask = LossMasks.Of(tokens, [(promptBytes, text.Length)], text.Length) };
    }

    private static ReadOnlySpan<byte> View(DocumentId id, ScoredRow row, int i, TextTokenizer? tokenizer, out bool canBeMark)
    {
        byte[]? given = row.Bytes?[i];
        if (tokenizer is null || row.Ids is null)
        {
            canBeMark = given!.Length == 0;
            return given;
        }
        int token = row.Ids[i];
        if (tokenizer.TokenOf(token) is not { } name)
            throw new RejectedException(id, ImportRejects.UnknownId, string.Create(CultureInfo.InvariantCulture, $"{token} at token {i}"));
        ReadOnlySpan<byte> known = tokenizer.ByteView(token);
        canBeMark = tokenizer.IsMark(token);
        // Two differences are allowed: the bytes of a special token may be left out, and so may a space that the tokenizer inserted in front.
        if (given is not null && !known.SequenceEqual(given) && !(canBeMark && given.Length == 0) && !(known is [(byte)' ', ..] && known[1..].SequenceEqual(given)))
            throw new RejectedException(id, ImportRejects.Disagree, string.Create(CultureInfo.InvariantCulture, $"{token} ('{name}') and '{Encoding.UTF8.GetString(given)}' at token {i}"));
        return known;
    }

    // How many bytes of the text a token stands for; -1 where it does not spell them. At the beginning and after a special token, the tokenizer may have
    // inserted a space, for which the text has no byte.
    private static int Length(ReadOnlySpan<byte> view, ReadOnlySpan<byte> text, bool afterMark)
    {
        if (view.IsEmpty)
            return -1;
        if (text.StartsWith(view))
            return view.Length;
        return afterMark && view[0] == ' ' && text.StartsWith(view[1..]) ? view.Length - 1 : -1;
    }

    private static RejectedException Misspelt(DocumentId id, int token, ReadOnlySpan<byte> view, ReadOnlySpan<byte> text, int at) => new(
        id, ImportRejects.Spelling,
        string.Create(CultureInfo.InvariantCulture, $"token {token} is '{Encoding.UTF8.GetString(view)}', the text has '{Encoding.UTF8.GetString(text.Slice(at, Math.Min(text.Length - at, Math.Max(view.Length, 8))))}' at byte {at}"));
}
