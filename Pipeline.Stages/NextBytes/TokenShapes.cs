using System.Buffers;
using System.Globalization;
using System.Text;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// What a pre-tokenizer's pattern can see of a token: the class of each character, with long runs of one class shortened. Tokens of one shape
/// are split in the same way, so that one of them can be tried for all. The letters after an apostrophe stand for themselves, because patterns
/// know contractions.
/// </summary>
internal sealed class TokenShapes
{
    private const int LongestRun = 4;

    private readonly Dictionary<string, int> _known = new(StringComparer.Ordinal);
    private readonly int[] _plain;
    private readonly int[] _afterApostrophe;
    private readonly List<int> _example = [];

    public TokenShapes(ByteVocabulary vocabulary)
    {
        _plain = new int[vocabulary.TextCount];
        _afterApostrophe = new int[vocabulary.TextCount];
        EndsInApostrophe = new bool[vocabulary.TextCount];
        for (int place = 0; place < vocabulary.TextCount; place++)
        {
            ReadOnlySpan<byte> bytes = vocabulary.BytesAt(place);
            _plain[place] = Number(Shape(bytes, false), place);
            _afterApostrophe[place] = Number(Shape(bytes, true), place);
            EndsInApostrophe[place] = bytes[^1] == '\'' || bytes.EndsWith("’"u8);
        }
    }

    /// <summary>The number of different shapes.</summary>
    public int Count => _example.Count;

    /// <summary>By place, whether the token's last character is an apostrophe.</summary>
    public bool[] EndsInApostrophe { get; }

    /// <summary>The shape of the token at a place, when an apostrophe comes directly before it or when none does.</summary>
    public int Of(int place, bool afterApostrophe) => afterApostrophe ? _afterApostrophe[place] : _plain[place];

    /// <summary>The place of one token that has this shape.</summary>
    public int Example(int shape) => _example[shape];

    internal static string Shape(ReadOnlySpan<byte> bytes, bool afterApostrophe)
    {
        var shape = new StringBuilder();
        (char last, int run) = ('\0', 0);
        bool apostrophe = afterApostrophe;
        int letters = 0;
        while (!bytes.IsEmpty)
        {
            char kind;
            bool known = Rune.DecodeFromUtf8(bytes, out Rune rune, out int width) == OperationStatus.Done;
            if (known)
            {
                bool isApostrophe = rune.Value is '\'' or 0x2019;
                letters = isApostrophe ? 0 : letters + 1;
                apostrophe = isApostrophe || (apostrophe && letters <= 2);
                kind = apostrophe && rune.IsAscii && Rune.IsLetter(rune) ? (char)rune.Value : Class(rune);
            }
            else
            {
                // Part of a character. Its first byte says what it can become.
                (width, apostrophe) = (1, false);
                kind = (char)(0xE000 + bytes[0]);
            }
            run = kind == last ? run + 1 : 1;
            last = kind;
            // Runs of digits keep their length, since patterns count digits. No pattern counts other characters beyond a few.
            if (kind == '0' || run <= LongestRun)
                shape.Append(kind);
            bytes = bytes[width..];
        }
        return shape.ToString();
    }

    private int Number(string shape, int place)
    {
        if (_known.TryGetValue(shape, out int number))
            return number;
        _example.Add(place);
        return _known[shape] = _known.Count;
    }

    private static char Class(Rune rune)
    {
        int value = rune.Value;
        UnicodeCategory category = Rune.GetUnicodeCategory(rune);
        if (value < 0x80)
        {
            return category switch
            {
                UnicodeCategory.LowercaseLetter => 'a',
                UnicodeCategory.UppercaseLetter => 'A',
                UnicodeCategory.DecimalDigitNumber => '0',
                UnicodeCategory.MathSymbol or UnicodeCategory.CurrencySymbol or UnicodeCategory.ModifierSymbol => '+',
                _ when value is '\'' or '/' or '_' or '-' or '.' or ',' || value <= ' ' => (char)value,
                _ => '!',
            };
        }
        // By category, and for letters without case by script too, because patterns name ranges of some scripts.
        int script = category != UnicodeCategory.OtherLetter ? 0 : value switch
        {
            >= 0x3040 and < 0x3100 => 1,
            >= 0x3400 and < 0xA000 => 2,
            >= 0xAC00 and < 0xD7A4 => 3,
            >= 0x20000 => 4,
            _ => 5,
        };
        return (char)(0xE100 + ((int)category * 8) + script);
    }
}
