using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>Makes the <see cref="SurfaceForms"/> of any vocabulary under one source tokenizer. For one thread at a time.</summary>
internal sealed class SurfaceFormBuilder
{
    /// <summary>
    /// A padding id that is no token. It works for models without a pad token, and for those whose pad token is also used as a real one.
    /// </summary>
    public const int NoPad = -1;

    private readonly ByteCutter _cutter;
    private readonly IReadOnlyDictionary<string, int> _specials;
    private readonly int _sourceRows;
    private readonly List<int> _pieces = [];

    /// <summary>Makes a builder for one model.</summary>
    /// <param name="source">The tokenizer of the model that embeddings are predicted for.</param>
    /// <param name="specials">The special tokens of this tokenizer, by name.</param>
    /// <param name="sourceRows">The number of rows of the model's embedding matrix.</param>
    public SurfaceFormBuilder(TextTokenizer source, IReadOnlyDictionary<string, int> specials, int sourceRows)
        => (_cutter, _specials, _sourceRows) = (source.CreateCutter(), specials, sourceRows);

    /// <summary>A builder that takes all added tokens of the source as special tokens, except those of white space.</summary>
    public static SurfaceFormBuilder Of(TextTokenizer source, int sourceRows)
        => new(source, Enumerable.Range(0, Math.Min(source.VocabularySize, sourceRows)).Where(source.IsMark).ToDictionary(id => source.TokenOf(id)!, id => id), sourceRows);

    /// <summary>The surface forms of some tokens of a vocabulary.</summary>
    /// <param name="target">The vocabulary whose embeddings are wanted.</param>
    /// <param name="rows">The ids of the tokens, in the order of the result. An id without a token gives an empty row.</param>
    /// <param name="roles">
    /// For target ids with a role, such as bos, the source id with the same role. They are copied like special tokens that have the same name.
    /// </param>
    /// <param name="length">S, the number of pieces to keep of each token.</param>
    /// <param name="pad">The id that follows the last piece.</param>
    /// <exception cref="InputException">A piece has no embedding in the model.</exception>
    public SurfaceForms Build(VocabularyBytes target, IReadOnlyList<int> rows, IReadOnlyDictionary<int, int> roles, int length, int pad = NoPad)
    {
        var ids = new long[(long)rows.Count * length];
        Array.Fill(ids, pad);
        var copied = new Dictionary<int, int>();
        var empty = new List<int>();
        int truncated = 0, extra = 0;
        for (int row = 0; row < rows.Count; row++)
        {
            int id = rows[row];
            Span<long> form = ids.AsSpan(row * length, length);
            if (id >= target.Count || target.ClassOf(id) == TokenClass.None)
            {
                empty.Add(row);
                continue;
            }
            if (SpecialOf(target, id, roles) is { } special)
            {
                form[0] = special;
                copied[row] = special;
                continue;
            }
            _pieces.Clear();
            _cutter.Cut(target[id], _pieces);
            truncated += _pieces.Count > length ? 1 : 0;
            for (int i = 0; i < Math.Min(length, _pieces.Count); i++)
            {
                if (_pieces[i] >= _sourceRows)
                    throw new InputException($"the source tokenizer has a token {_pieces[i]}, but the model has {_sourceRows} embeddings; give the tokenizer of this model");
                extra += _pieces[i] < 0 ? 1 : 0;
                form[i] = _pieces[i] < 0 ? _sourceRows + ~_pieces[i] : _pieces[i];
            }
        }
        return new SurfaceForms(ids, length, _sourceRows, pad, copied, empty, truncated, extra);
    }

    /// <summary>The surface forms of a whole vocabulary, in order of its ids.</summary>
    public SurfaceForms Build(VocabularyBytes target, IReadOnlyDictionary<int, int> roles, int length, int pad = NoPad)
        => Build(target, [.. Enumerable.Range(0, target.Count)], roles, length, pad);

    private int? SpecialOf(VocabularyBytes target, int id, IReadOnlyDictionary<int, int> roles)
        => roles.TryGetValue(id, out int role) && role < _sourceRows ? role
            : target.ClassOf(id) == TokenClass.Mark && _specials.TryGetValue(Encoding.UTF8.GetString(target[id]), out int same) ? same
            : null;
}
