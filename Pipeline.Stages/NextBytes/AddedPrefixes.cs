using System.Text;
using Pipeline.Stages.Tokenization.AddedTokens;
using Pipeline.Stages.Tokenization.Reading;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Which tokens would complete the content of an added token that the text before them has begun. The tokenizer cuts the added token out
/// before it merges anything, so such tokens are never what it makes of the text. A state is the longest beginning of an added token that the
/// text ends with (Aho and Corasick, 1975); 0 is none.
/// </summary>
internal sealed class AddedPrefixes
{
    private readonly ByteVocabulary _vocabulary;
    private readonly Dictionary<(int State, byte Value), int> _next = [];
    private readonly List<int> _fallback = [0];

    // Per state what is left of the contents that begin with it, those behind the fallbacks not among them.
    private readonly List<List<byte[]>> _rest = [[]];
    private readonly Dictionary<int, int> _stateOfAdded = [];
    private readonly Dictionary<int, int[]> _forbidden = [];

    public AddedPrefixes(ByteVocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        TokenizerDefinition definition = vocabulary.Tokenizer.Definition;
        foreach (AddedToken token in definition.Added)
        {
            byte[] content = token.Normalized ? vocabulary.Tokenizer.ByteView(token.Id).ToArray() : Encoding.UTF8.GetBytes(token.Content);
            int state = 0;
            for (int i = 0; i < content.Length; i++)
            {
                if (i > 0)
                    _rest[state].Add(content[i..]);
                if (!_next.TryGetValue((state, content[i]), out int child))
                {
                    _next[(state, content[i])] = child = _rest.Count;
                    _rest.Add([]);
                    _fallback.Add(0);
                }
                state = child;
            }
            _stateOfAdded[token.Id] = state;
        }
        var queue = new Queue<int>(_next.Where(e => e.Key.State == 0).Select(e => e.Value));
        ILookup<int, (byte Value, int Child)> children = _next.ToLookup(e => e.Key.State, e => (e.Key.Value, e.Value));
        while (queue.TryDequeue(out int state))
        {
            foreach ((byte value, int child) in children[state])
            {
                _fallback[child] = Step(_fallback[state], value);
                queue.Enqueue(child);
            }
        }
    }

    /// <summary>The state after a token's bytes.</summary>
    public int After(int state, int id, ReadOnlySpan<byte> bytes)
    {
        if (_rest.Count == 1)
            return 0;
        // What begins inside an added token does not count; the token itself may be the beginning of a longer one.
        if (_stateOfAdded.TryGetValue(id, out int own))
            return ~own;
        int at = state;
        foreach (byte value in bytes)
            at = at < 0 ? _next.TryGetValue((~at, value), out int longer) ? ~longer : Step(0, value) : Step(at, value);
        return at;
    }

    /// <summary>Places that must not come next in this state.</summary>
    public int[] Forbidden(int state)
    {
        if (state is 0 or -1)
            return [];
        lock (_forbidden)
        {
            if (!_forbidden.TryGetValue(state, out int[]? places))
                _forbidden[state] = places = [.. Places(state)];
            return places;
        }
    }

    private HashSet<int> Places(int state)
    {
        var places = new HashSet<int>();
        for (int at = state < 0 ? ~state : state; at > 0; at = state < 0 ? 0 : _fallback[at])
        {
            foreach (byte[] rest in _rest[at])
            {
                PlaceRange range = _vocabulary.All;
                for (int depth = 0; depth < rest.Length && !range.IsEmpty; depth++)
                    range = _vocabulary.Narrow(range, depth, rest[depth]);
                for (int place = range.Start; place < range.End; place++)
                    places.Add(place);
            }
        }
        return places;
    }

    private int Step(int state, byte value)
    {
        for (int at = state; ; at = _fallback[at])
        {
            if (_next.TryGetValue((at, value), out int child))
                return child;
            if (at == 0)
                return 0;
        }
    }
}
