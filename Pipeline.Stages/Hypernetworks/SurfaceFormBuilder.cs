using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>Makes <see cref="SurfaceForms"/> of any vocabulary under any source tokenizer.</summary>
internal sealed class SurfaceFormBuilder
{
    /// <summary>Padding that is not a token: a model without a pad token, or whose pad token is a real one, loses nothing.</summary>
    public const int NoPad = -1;

    private readonly ByteCutter _cutter;
    private readonly IReadOnlyDictionary<string, int> _specials;
    private readonly int _sourceRows;
    private readonly List<int> _pieces = [];

    /// <param name="source">The tokenizer of the model that embeddings are predicted for.</param>
    /// <param name="specials">Its special tokens, by name.</param>
    /// <param name="sourceRows">Rows of its embedding matrix.</param>
    public SurfaceFormBuilder(TextTokenizer source, IReadOnlyDictionary<string, int> specials, int sourceRows)
        => (_cutter, _specials, _sourceRows) = (source.CreateCutter(), specials, sourceRows);

    /// <summary>With all added tokens of the source that are not white space as its special tokens.</summary>
    public static SurfaceFormBuilder Of(TextTokenizer source, int sourceRows)
        => new(source, Enumerable.Range(0, Math.Min(source.VocabularySize, sourceRows)).Where(source.IsMark).ToDictionary(id => source.TokenOf(id)!, id => id), sourceRows);

    /// <param name="target">The vocabulary whose embeddings are wanted.</param>
    /// <param name="rows">Its ids, in the order of the result; an id that no token has gives an empty row.</param>
    /// <param name="roles">Target id to source id of tokens that play the same role under another name; copied too.</param>
    /// <param name="length">S.</param>
    /// <param name="pad">What follows the last piece.</param>
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

    /// <summary>Of a whole vocabulary.</summary>
    public SurfaceForms Build(VocabularyBytes target, IReadOnlyDictionary<int, int> roles, int length, int pad = NoPad)
        => Build(target, [.. Enumerable.Range(0, target.Count)], roles, length, pad);

    private int? SpecialOf(VocabularyBytes target, int id, IReadOnlyDictionary<int, int> roles)
        => roles.TryGetValue(id, out int role) && role < _sourceRows ? role
            : target.ClassOf(id) == TokenClass.Mark && _specials.TryGetValue(Encoding.UTF8.GetString(target[id]), out int same) ? same
            : null;
}
