using System.Text;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Asks the pre-tokenizer itself whether a token may come next: is there a text that goes on from here in which no boundary cuts a token,
/// and does the boundary before the new token lie there or not? Texts are those of a list of endings, tried one by one; answers are kept
/// by the shapes of the tokens concerned. Not safe for several threads at once.
/// </summary>
internal sealed class SplitRule(ByteVocabulary vocabulary, TokenShapes shapes, PairRule pairs)
{
    /// <summary>More tokens than it ever looks back: the first of so many is not looked at.</summary>
    public const int MostTailTokens = MostTailBytes + 1;

    // What patterns look back at: the beginning of the run of like characters that goes on, and an apostrophe before two letters.
    private const int LeastTailBytes = 4, MostTailBytes = 64, LeastTailTokens = 2;

    // One of each kind that a pattern tells from others, and what looks ahead of two.
    private static readonly string[] s_endings =
        ["", " ", "a", "1", ".", "\n", "'", "d", "ll", "ve", "re", "s", " a", "  ", " .", "\n\n", "11", "A", "/", "é", "中", "\u3000"];

    // Last bytes that make whole characters of several kinds of what a token begins.
    private static readonly byte[] s_lastBytes = [0x80, 0x82, 0x8F, 0x94, 0x99, 0xA0, 0xA6, 0xAA, 0xB3, 0xBF];

    private readonly Dictionary<string, Tail> _tails = new(StringComparer.Ordinal);
    private readonly TextEncoder _encoder = vocabulary.Tokenizer.CreateEncoder();
    private readonly List<int> _ids = [];
    private readonly List<int> _dummies = [];
    private readonly List<int> _pieces = [];
    private readonly HashSet<int> _boundaries = [];

    /// <summary>Forgets all tails; the numbers of new ones begin again.</summary>
    public void Forget() => _tails.Clear();

    /// <summary>The end of a sequence of tokens, as far as a pre-tokenizer looks back.</summary>
    /// <param name="places">The tokens since the text's start, or since the last added token; the last one last.</param>
    public Tail TailOf(ReadOnlySpan<int> places)
    {
        int first = places.Length, bytes = 0;
        while (first > 0 && (bytes < LeastTailBytes || places.Length - first < LeastTailTokens || (bytes < MostTailBytes && Continues(places[first - 1], places[first]))))
            bytes += vocabulary.BytesAt(places[--first]).Length;
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

    /// <summary>Whether the tokenizer can make exactly these tokens of the text that ends here.</summary>
    public bool IsWhole(Tail tail) => tail.IsWhole ??= Try(tail, [], "", out _);

    /// <summary>Whether a token may come next in one of the ways wanted: after a boundary, or without one.</summary>
    public bool Allows(Tail tail, int place, Joining wanted)
    {
        int shape = shapes.Of(place, tail.EndsInApostrophe);
        ref Answer answer = ref tail.Answers[shape];
        if ((answer.Found & wanted) != 0 || answer.IsComplete || wanted == Joining.None)
            return (answer.Found & wanted) != 0;
        // As far as an answer takes: most are found with the first ending.
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

    // A run of digits is counted from its beginning, and so may white space be.
    private bool Continues(int before, int first)
    {
        (byte last, byte next) = (vocabulary.BytesAt(before)[^1], vocabulary.BytesAt(first)[0]);
        return (char.IsAsciiDigit((char)last) && char.IsAsciiDigit((char)next)) || (last <= ' ' && next <= ' ');
    }

    private bool Try(Tail tail, byte[] next, string ending, out bool apart)
    {
        var bytes = new List<byte>();
        var ends = new List<int> { 0 };
        foreach (int place in tail.Places)
        {
            bytes.AddRange(vocabulary.BytesAt(place));
            ends.Add(bytes.Count);
        }
        int cut = bytes.Count;
        bytes.AddRange(next);
        int whole = bytes.Count;
        bytes.AddRange(Encoding.UTF8.GetBytes(ending));
        // A tail may begin inside a character.
        int skipped = 0;
        while (skipped < bytes.Count && (bytes[skipped] & 0xC0) == 0x80)
            skipped++;
        // The space that the tokenizer puts in front of a text is there again when the text is encoded.
        apart = false;
        if (!Split([.. bytes.Skip(skipped)], skipped))
            return false;
        apart = cut == 0 || next.Length == 0 || _boundaries.Contains(cut);
        int from = tail.IsAnchored ? 0 : ends.Count > 1 ? ends[1] : 0;
        foreach (int boundary in _boundaries)
        {
            if ((boundary > from && boundary < cut && !ends.Contains(boundary)) || (boundary > cut && boundary < whole))
                return false;
        }
        for (int i = tail.IsAnchored ? 1 : 2; i < ends.Count - 1; i++)
        {
            if (!_boundaries.Contains(ends[i]) && !pairs.Follows(vocabulary.Ids[tail.Places[i - 1]], vocabulary.Ids[tail.Places[i]]))
                return false;
        }
        return true;
    }

    // Fills the boundaries with the byte offsets where pieces begin; false where the tokens do not spell the text.
    private bool Split(byte[] utf8, int offset)
    {
        _boundaries.Clear();
        string text = Encoding.UTF8.GetString(utf8);
        bool dummy = false;
        if (vocabulary.HasDummy && utf8.Length > 0 && utf8[0] == ' ')
        {
            // The tokenizer may put the space there itself.
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

/// <summary>The last tokens before a place, as far as a pre-tokenizer looks, with the answers found for it.</summary>
internal sealed class Tail(int number, int[] places, bool isAnchored, bool endsInApostrophe, int shapes)
{
    public int Number => number;

    public int[] Places => places;

    /// <summary>Whether the text begins with the first of them.</summary>
    public bool IsAnchored => isAnchored;

    public bool EndsInApostrophe => endsInApostrophe;

    public bool? IsWhole { get; set; }

    /// <summary>Per shape of the token that comes next.</summary>
    public Answer[] Answers { get; } = new Answer[shapes];
}

/// <summary>What was found of a shape so far, and whether there is more to find.</summary>
internal readonly record struct Answer(Joining Found, bool IsComplete);

/// <summary>How a token can follow what is before it.</summary>
[Flags]
internal enum Joining : byte
{
    None = 0,

    /// <summary>In the same piece.</summary>
    Within = 1,

    /// <summary>As the first of a new piece.</summary>
    Apart = 2,
}
