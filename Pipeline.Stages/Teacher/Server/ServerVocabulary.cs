using System.Text;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>Which of a server's tokens are boundary tokens, by id or, where a server has only that, by text.</summary>
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

    public int Size => _boundary.Length;

    public bool IsBoundary(int id) => (uint)id < (uint)_boundary.Length && _boundary[id];

    /// <summary>Whether a token named by text begins with a boundary byte or is a special one.</summary>
    public bool IsBoundary(string token)
    {
        if (TryId(token, out int id))
            return IsBoundary(id);
        if (token.Length > 0 && token[0] is ' ' or '\n' or '\t')
            return true;
        return _byName.TryGetValue(token, out id) && IsBoundary(id);
    }

    /// <summary>Whether a server's text for a token can be this token; what cannot be told (a part of a character) can.</summary>
    public bool CanBe(string token, int id)
    {
        if (TryId(token, out int named))
            return named == id;
        string text = TextOf(id);
        return token == text || token == _tokenizer.TokenOf(id) || text.Contains('\uFFFD', StringComparison.Ordinal)
            || token.StartsWith("bytes:", StringComparison.Ordinal) || (text.StartsWith(' ') && token == text[1..]);
    }

    /// <summary>As messages name it.</summary>
    public string Describe(int id) => $"{id} ('{_tokenizer.TokenOf(id)}')";

    private string TextOf(int id) => (uint)id < (uint)Size ? Encoding.UTF8.GetString(_tokenizer.ByteView(id)) : "";

    private static bool TryId(string token, out int id)
    {
        id = -1;
        return token.StartsWith(IdPrefix, StringComparison.Ordinal)
            && int.TryParse(token.AsSpan(IdPrefix.Length), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out id);
    }
}
