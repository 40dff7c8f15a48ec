using System.Text;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Asks the pre-tokenizer itself whether a token may come next. Is there a continuation of the text for which no boundary between pieces cuts a
/// token? And is there a boundary before the new token, or not? The continuations are a fixed list and are tried one by one. Answers are cached
/// by the shapes of the tokens (<see cref="TokenShapes"/>), so they are approximate: docs/method.md, "What is not claimed", says how close they
/// are. Not safe for several threads at once.
/// </summary>
internal sealed class SplitRule(ByteVocabulary vocabulary, TokenShapes shapes, PairRule pairs)
{
    /// <summary>
    /// How many of the last tokens <see cref="TailOf"/> needs. This is one more than it ever looks at, so that a sequence that was cut is not taken
    /// for the beginning of a text.
    /// </summary>
    public const int MostTailTokens = MostTailBytes + 1;

    // How far patterns look back: to an apostrophe before two letters, and to the beginning of a run of digits or of white space.
    private const int LeastTailBytes = 4, MostTailBytes = 64, LeastTailTokens = 2;

    // The continuations: one of each kind of character that patterns distinguish, and several characters for patterns that look further ahead.
    private static readonly string[] s_endings =
        ["", " ", "a", "1", ".", "\n", "'", "d", "ll", "ve", "re", "s", " a", "  ", " .", "\n\n", "11", "A", "/", "é", "中", "\u3000"];

    // Continuation bytes that complete a token's unfinished character in several ways, so that characters of several kinds come out.
    private static readonly byte[] s_lastBytes = [0x80, 0x82, 0x8F, 0x94, 0x99, 0xA0, 0xA6, 0xAA, 0xB3, 0xBF];

    private readonly Dictionary<string, Tail> _tails = new(StringComparer.Ordinal);
    private readonly TextEncoder _encoder = vocabulary.Tokenizer.CreateEncoder();
    private readonly List<int> _ids = [];
    private readonly List<int> _dummies = [];
    private readonly List<int> _pieces = [];
    private readonly HashSet<int> _boundaries = [];

    /// <summary>Drops all tails. Their numbers begin again at 0.</summary>
    public void Forget() => _tails.Clear();

    /// <summary>The last tokens of a sequence, as far as a pre-tokenizer looks back. Sequences that it cannot tell apart share a tail.</summary>
    /// <param name="places">The tokens since the text's start or the last added token; the last <see cref="MostTailTokens"/> are enough.</param>
    public Tail TailOf(ReadOnlySpan<int> places)
    {
        int first = places.Length, bytes = 0;
        while (first > 0)
        {
            bool isTooShort = bytes < LeastTailBytes || places.Length - first < LeastTailTokens;
            if (!isTooShort && (bytes >= MostTailBytes || !Continues(places[first - 1], places[first])))
                break;
            bytes += vocabulary.BytesAt(places[--first]).Length;
        }
        var key = new StringBuilder(first == 0 ? "^" : "");
        bool apostrophe = false;
        for (int i = first; i < places.Length; i++)
        {
            if (i > first)
                key.Append(pairs.Follows(vocabulary.Ids[places[i - 1]], vocabulary.Ids[places[i]]) ? '+' : '|');
            key.Append((char)(0x100 + shapes.Of(places[i], apostrophe)));
            apostrophe = shapes.EndsInApostrophe[places[i]];
        }
        string name = key.ToString();
        if (!_tails.TryGetValue(name, out Tail? tail))
            _tails[name] = tail = new Tail(_tails.Count, places[first..].ToArray(), first == 0, apostrophe, shapes.Count);
        return tail;
    }

    /// <summary>Whether the tokenizer makes exactly these tokens if the text ends here.</summary>
    public bool IsWhole(Tail tail) => tail.IsWhole ??= Try(tail, [], "", out _);

    /// <summary>Whether a token may come next in one of the wanted ways: in the same piece, or as the first of a new one.</summary>
    public bool Allows(Tail tail, int place, Joining wanted)
    {
        int shape = shapes.Of(place, tail.EndsInApostrophe);
        ref Answer answer = ref tail.Answers[shape];
        if ((answer.Found & wanted) != 0 || answer.IsComplete || wanted == Joining.None)
            return (answer.Found & wanted) != 0;
        // Stops as soon as the question is answered, which is most often with the first continuation.
        Joining found = answer.Found;
        foreach (byte[] text in Completed(vocabulary.BytesAt(shapes.Example(shape))))
        {
            foreach (string ending in s_endings)
            {
                if (Try(tail, text, ending, out bool apart))
                    found |= apart ? Joining.Apart : Joining.Within;
                if ((found & wanted) == 0)
                    continue;
                answer = answer with { Found = found };
                return true;
            }
        }
        answer = new Answer(found, true);
        return false;
    }

    // Patterns count a run of digits from its beginning, and may do so with white space.
    private bool Continues(int before, int first)
    {
        (byte last, byte next) = (vocabulary.BytesAt(before)[^1], vocabulary.BytesAt(first)[0]);
        return (char.IsAsciiDigit((char)last) && char.IsAsciiDigit((char)next)) || (last <= ' ' && next <= ' ');
    }

    // Splits the tail, the next token's bytes and an ending. True where no boundary cuts a token; apart says whether one lies before the next token.
    private bool Try(Tail tail, byte[] next, string ending, out bool apart)
    {
        var bytes = new List<byte>();
        var ends = new List<int> { 0 };
        foreach (int place in tail.Places)
        {
            bytes.AddRange(vocabulary.BytesAt(place));
            ends.Add(bytes.Count);
        }
        int nextStart = bytes.Count;
        bytes.AddRange(next);
        int nextEnd = bytes.Count;
        bytes.AddRange(Encoding.UTF8.GetBytes(ending));
        // A tail may begin inside a character, whose other bytes are gone.
        int skipped = 0;
        while (skipped < bytes.Count && (bytes[skipped] & 0xC0) == 0x80)
            skipped++;
        apart = false;
        if (!Split([.. bytes.Skip(skipped)], skipped))
            return false;
        apart = nextStart == 0 || next.Length == 0 || _boundaries.Contains(nextStart);
        // What came before a tail that is not anchored is unknown, so boundaries in its first token and directly after it say nothing.
        int from = tail.IsAnchored || ends.Count == 1 ? 0 : ends[1];
        foreach (int boundary in _boundaries)
        {
            if ((boundary > from && boundary < nextStart && !ends.Contains(boundary)) || (boundary > nextStart && boundary < nextEnd))
                return false;
        }
        // Neighbours with no boundary between them are in one piece, where the pair rule holds.
        for (int i = tail.IsAnchored ? 1 : 2; i < ends.Count - 1; i++)
        {
            if (!_boundaries.Contains(ends[i]) && !pairs.Follows(vocabulary.Ids[tail.Places[i - 1]], vocabulary.Ids[tail.Places[i]]))
                return false;
        }
        return true;
    }

    // Sets the boundaries to the byte offsets at which pieces begin, except for the first. False where the tokens do not spell the text.
    private bool Split(byte[] utf8, int offset)
    {
        _boundaries.Clear();
        string text = Encoding.UTF8.GetString(utf8);
        bool dummy = false;
        if (vocabulary.HasDummy && utf8.Length > 0 && utf8[0] == ' ')
        {
            // The tokenizer inserts a space in front of the text again, so this one is taken off first.
            (text, dummy) = (text[1..], true);
            if (text.Length == 0)
                return true;
        }
        _ids.Clear();
        _dummies.Clear();
        _pieces.Clear();
        _encoder.Run(text, _ids, _dummies, _pieces);
        int at = dummy ? 1 : 0, piece = 0, next = 0;
        for (int i = 0; i < _ids.Count; i++)
        {
            int length = vocabulary.Tokenizer.ByteView(_ids[i]).Length;
            bool begins = piece < _pieces.Count && _pieces[piece] == i;
            while (piece < _pieces.Count && _pieces[piece] == i)
                piece++;
            if (next < _dummies.Count && _dummies[next] == i)
            {
                next++;
                if (i == 0 && dummy)
                    at--;
                else
                    length--;
            }
            if (begins && at > 0)
                _boundaries.Add(offset + at);
            at += length;
        }
        return at == utf8.Length;
    }

    // The token with its unfinished last character completed in several ways; the token alone where nothing is unfinished.
    private static List<byte[]> Completed(ReadOnlySpan<byte> token)
    {
        default(Utf8State).TryNext(token, out Utf8State state);
        if (!state.IsWhole)
        {
            var all = new List<byte[]>();
            foreach (byte last in s_lastBytes)
            {
                var bytes = new List<byte>();
                bytes.AddRange(token);
                Utf8State at = state;
                while (!at.IsWhole)
                {
                    byte value = Math.Clamp(last, at.Low, at.High);
                    bytes.Add(value);
                    at.TryNext(value, out at);
                }
                all.Add([.. bytes]);
            }
            return all;
        }
        return [token.ToArray()];
    }
}

/// <summary>The last tokens of a sequence, as far as a pre-tokenizer looks back, with the answers found so far.</summary>
internal sealed class Tail(int number, int[] places, bool isAnchored, bool endsInApostrophe, int shapes)
{
    /// <summary>Identifies the tail until <see cref="SplitRule.Forget"/>.</summary>
    public int Number => number;

    public int[] Places => places;

    /// <summary>Whether the tail begins where the text does, or after an added token.</summary>
    public bool IsAnchored => isAnchored;

    public bool EndsInApostrophe => endsInApostrophe;

    /// <summary>See <see cref="SplitRule.IsWhole"/>; null where it has not been asked yet.</summary>
    public bool? IsWhole { get; set; }

    /// <summary>By shape of the next token.</summary>
    public Answer[] Answers { get; } = new Answer[shapes];
}

/// <summary>How a token of some shape was found to follow, and whether all continuations have been tried.</summary>
internal readonly record struct Answer(Joining Found, bool IsComplete);

/// <summary>How a token can follow the one before it.</summary>
[Flags]
internal enum Joining : byte
{
    None = 0,

    /// <summary>In the same piece.</summary>
    Within = 1,

    /// <summary>As the first of a new piece.</summary>
    Apart = 2,
}
