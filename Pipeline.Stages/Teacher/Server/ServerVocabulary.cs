using System.Text;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>
/// Says which tokens of a server are boundary tokens. Some servers name a token by its id, others only by its text. The text may also be
/// <c>token_id:</c> with an id after it.
/// </summary>
internal sealed class ServerVocabulary
{
    private const string IdPrefix = "token_id:";

    private readonly TextTokenizer _tokenizer;
    private readonly bool[] _boundary;
    private readonly Dictionary<string, int> _byName = new(StringComparer.Ordinal);

    public ServerVocabulary(TextTokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        _boundary = BoundaryMask.OfIds(tokenizer, tokenizer.VocabularySize);
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            if (tokenizer.TokenOf(id) is { } name)
                _byName.TryAdd(name, id);
        }
    }

    /// <summary>The number of tokens.</summary>
    public int Size => _boundary.Length;

    /// <summary>Whether the token with this id is a boundary token; false for an id that no token has.</summary>
    public bool IsBoundary(int id) => (uint)id < (uint)_boundary.Length && _boundary[id];

    /// <summary>
    /// Whether a token that is named by its text is a boundary token. It is one if the text begins with a space, a line feed or a tab, or if it is the
    /// vocabulary's own spelling of a boundary token, such as a special one.
    /// </summary>
    public bool IsBoundary(string token)
    {
        if (TryId(token, out int id))
            return IsBoundary(id);
        if (token.Length > 0 && token[0] is ' ' or '\n' or '\t')
            return true;
        return _byName.TryGetValue(token, out id) && IsBoundary(id);
    }

    /// <summary>Whether a server's text for a token can stand for this id. A part of a character has no text of its own, and always can.</summary>
    public bool CanBe(string token, int id)
    {
        if (TryId(token, out int named))
            return named == id;
        string text = TextOf(id);
        return token == text || token == _tokenizer.TokenOf(id) || text.Contains('\uFFFD', StringComparison.Ordinal)
            || token.StartsWith("bytes:", StringComparison.Ordinal) || (text.StartsWith(' ') && token == text[1..]);
    }

    /// <summary>What messages call a token: its id and its spelling.</summary>
    public string Describe(int id) => $"{id} ('{_tokenizer.TokenOf(id)}')";

    private string TextOf(int id) => (uint)id < (uint)Size ? Encoding.UTF8.GetString(_tokenizer.ByteView(id)) : "";

    private static bool TryId(string token, out int id)
    {
        id = -1;
        return token.StartsWith(IdPrefix, StringComparison.Ordinal)
            && int.TryParse(token.AsSpan(IdPrefix.Length), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out id);
    }
}
