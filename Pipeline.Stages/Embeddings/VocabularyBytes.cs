using System.Text;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// The bytes and the class of every id of a vocabulary. The bytes of all tokens are in one array, so that a quarter of a million tokens need three
/// objects only.
/// </summary>
internal sealed class VocabularyBytes
{
    private readonly byte[] _bytes;
    private readonly int[] _ends;
    private readonly TokenClass[] _classes;
    private readonly Lazy<Dictionary<string, int>> _text;
    private readonly Lazy<Dictionary<string, int>> _marks;

    private VocabularyBytes(byte[] bytes, int[] ends, TokenClass[] classes)
    {
        _bytes = bytes;
        _ends = ends;
        _classes = classes;
        _text = new(() => Index(TokenClass.Text, TokenClass.ByteFallback));
        _marks = new(() => Index(TokenClass.Mark, TokenClass.Mark));
    }

    /// <summary>Reads the bytes of one id.</summary>
    public delegate ReadOnlySpan<byte> BytesOfId(int id);

    public int Count => _classes.Length;

    public static VocabularyBytes Create(int count, BytesOfId bytesOf, Func<int, TokenClass> classOf)
    {
        var bytes = new List<byte>(count * 6);
        var ends = new int[count];
        var classes = new TokenClass[count];
        for (int id = 0; id < count; id++)
        {
            ReadOnlySpan<byte> token = bytesOf(id);
            bytes.AddRange(token);
            ends[id] = bytes.Count;
            classes[id] = token.Length == 0 ? TokenClass.None : classOf(id);
        }
        return new VocabularyBytes([.. bytes], ends, classes);
    }

    public TokenClass ClassOf(int id) => _classes[id];

    public bool IsText(int id) => _classes[id] is TokenClass.Text or TokenClass.ByteFallback;

    public ReadOnlySpan<byte> this[int id] => _bytes.AsSpan((id == 0 ? 0 : _ends[id - 1])..(_ends[id]));

    /// <summary>
    /// The id of a text token with these bytes, the smallest if there are several; null if there is none. A byte fallback counts only where no
    /// ordinary token has its byte.
    /// </summary>
    public int? TextId(ReadOnlySpan<byte> bytes) => _text.Value.TryGetValue(Encoding.Latin1.GetString(bytes), out int id) ? id : null;

    /// <summary>The id of an added token by its name; null if there is none.</summary>
    public int? MarkId(ReadOnlySpan<byte> name) => _marks.Value.TryGetValue(Encoding.Latin1.GetString(name), out int id) ? id : null;

    private Dictionary<string, int> Index(TokenClass first, TokenClass then)
    {
        var index = new Dictionary<string, int>(Count);
        foreach (TokenClass wanted in new[] { first, then })
        {
            for (int id = 0; id < Count; id++)
            {
                if (_classes[id] == wanted)
                    index.TryAdd(Encoding.Latin1.GetString(this[id]), id);
            }
        }
        return index;
    }
}
