using System.Text;
using Pipeline.Stages.Tokenization.AddedTokens;
using Pipeline.Stages.Tokenization.Reading;

namespace Pipeline.Stages.NextBytes;

/// <summary>
/// Finds the tokens that would complete an added token which the text before them has begun. The tokenizer cuts added tokens out of a text before it
/// merges anything, so that such tokens are never canonical there. The state of a text is the longest beginning of an added token that the text
/// ends with (Aho and Corasick, 1975), or 0. Directly after an added token the state is the complement of a state (~s): the text of that token can
/// only be the beginning of a longer added token, and nothing that begins inside it counts.
/// </summary>
internal sealed class AddedPrefixes
{
    private readonly ByteVocabulary _vocabulary;
    private readonly Dictionary<(int State, byte Value), int> _next = [];
    private readonly List<int> _fallback = [0];

    // By state, what is missing of the added tokens that begin with it. What its fallbacks have begun is listed under those.
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

    /// <summary>The state after a further token.</summary>
    /// <param name="state">The state before it.</param>
    /// <param name="id">The token.</param>
    /// <param name="bytes">The token's bytes.</param>
    public int After(int state, int id, ReadOnlySpan<byte> bytes)
    {
        if (_rest.Count == 1)
            return 0;
        if (_stateOfAdded.TryGetValue(id, out int own))
            return ~own;
        int at = state;
        foreach (byte value in bytes)
            at = at < 0 ? _next.TryGetValue((~at, value), out int longer) ? ~longer : Step(0, value) : Step(at, value);
        return at;
    }

    /// <summary>The places of the tokens that must not come next in this state.</summary>
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
