namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Finds, at every position of a byte-level student, the longest token of the old vocabulary that ends there. Its embedding is added to that of the
/// byte. The search is an Aho-Corasick automaton over the bytes of the old vocabulary, with constant time per position on average.
/// </summary>
internal sealed class InputExpansion
{
    // Longer tokens of the old vocabulary are not used.
    public const int LongestToken = 16;
    private const int Root = 0;

    // The transitions of all nodes are in one dictionary. Half a million nodes with 256 entries each would take half a gigabyte.
    private readonly Dictionary<long, int> _next = [];
    private readonly List<int> _fail = [Root];
    private readonly List<int> _longest = [-1];
    private readonly int[] _byteOf;
    private readonly int[] _whole;

    private InputExpansion(int studentVocabulary)
    {
        _byteOf = new int[studentVocabulary];
        _whole = new int[studentVocabulary];
        Array.Fill(_byteOf, -1);
        Array.Fill(_whole, -1);
    }

    /// <summary>Builds the automaton.</summary>
    /// <param name="student">The student's vocabulary: single bytes, and whole tokens (special tokens and words of templates).</param>
    /// <param name="source">The old vocabulary.</param>
    /// <param name="sourceRows">The number of rows of the old embedding matrix. Ids from this number on are not used.</param>
    /// <param name="roles">For student ids with a role, such as bos, the old id with the same role.</param>
    public static InputExpansion Create(VocabularyBytes student, VocabularyBytes source, int sourceRows, IReadOnlyDictionary<int, int> roles)
    {
        var expansion = new InputExpansion(student.Count);
        for (int id = 0; id < student.Count; id++)
        {
            if (student.ClassOf(id) == TokenClass.None)
                continue;
            bool isByte = student.IsText(id) && student[id].Length == 1;
            if (isByte)
                expansion._byteOf[id] = student[id][0];
            int? same = roles.TryGetValue(id, out int role) ? role : isByte ? null : source.MarkId(student[id]) ?? source.TextId(student[id]);
            if (same < sourceRows)
                expansion._whole[id] = same.Value;
        }
        expansion.AddTokens(student, source, sourceRows);
        expansion.Link();
        return expansion;
    }

    /// <summary>
    /// Finds the old token for every position of a row. A whole token of the student stands alone: no old token is matched across it. Neither is one
    /// matched across ids that are no token of the student (rows beyond its vocabulary, and -1 for padding).
    /// </summary>
    /// <param name="studentIds">The ids of the row.</param>
    /// <param name="sourceIds">Filled with the old id at each position; -1 where no old token ends.</param>
    public void Expand(ReadOnlySpan<int> studentIds, Span<int> sourceIds)
    {
        if (sourceIds.Length < studentIds.Length)
            throw new ArgumentException($"room for {sourceIds.Length} ids, {studentIds.Length} positions", nameof(sourceIds));
        int node = Root;
        for (int i = 0; i < studentIds.Length; i++)
        {
            int id = studentIds[i];
            bool isToken = (uint)id < (uint)_byteOf.Length;
            int b = isToken ? _byteOf[id] : -1;
            if (b < 0)
            {
                node = Root;
                sourceIds[i] = isToken ? _whole[id] : -1;
                continue;
            }
            node = Step(node, (byte)b);
            sourceIds[i] = _longest[node];
        }
    }

    private void AddTokens(VocabularyBytes student, VocabularyBytes source, int sourceRows)
    {
        // A token that the student has as a whole is matched as that one student token, and not as a run of bytes.
        bool Whole(ReadOnlySpan<byte> bytes) => bytes.Length > 1 && (student.MarkId(bytes) ?? student.TextId(bytes)) is not null;
        foreach (TokenClass wanted in new[] { TokenClass.Text, TokenClass.ByteFallback })
        {
            for (int id = 0; id < Math.Min(sourceRows, source.Count); id++)
            {
                ReadOnlySpan<byte> bytes = source[id];
                if (source.ClassOf(id) != wanted || bytes.Length > LongestToken || Whole(bytes))
                    continue;
                int node = Root;
                foreach (byte b in bytes)
                    node = Child(node, b);
                if (_longest[node] < 0)
                    _longest[node] = id;
            }
        }
    }

    private int Child(int node, byte b)
    {
        long key = Key(node, b);
        if (_next.TryGetValue(key, out int child))
            return child;
        child = _fail.Count;
        _next[key] = child;
        _fail.Add(Root);
        _longest.Add(-1);
        return child;
    }

    // Nodes are linked in order of their depth. The longest proper suffix of a node is shorter than the node, so its own link is already there.
    private void Link()
    {
        (int Parent, byte Byte, int Node, int Depth)[] edges = Edges();
        foreach ((int parent, byte b, int node, int depth) in edges)
        {
            _fail[node] = depth == 1 ? Root : Step(_fail[parent], b);
            if (_longest[node] < 0)
                _longest[node] = _longest[_fail[node]];
        }
    }

    private (int, byte, int, int)[] Edges()
    {
        var depth = new int[_fail.Count];
        var edges = new (int Parent, byte Byte, int Node, int Depth)[_next.Count];
        int count = 0;
        // A child is created after its parent, so that in the order of ids a parent's depth is known first.
        foreach ((long key, int node) in _next.OrderBy(e => e.Value))
        {
            int parent = (int)(key >> 8);
            depth[node] = depth[parent] + 1;
            edges[count++] = (parent, (byte)key, node, depth[node]);
        }
        Array.Sort(edges, (a, b) => a.Depth != b.Depth ? a.Depth.CompareTo(b.Depth) : a.Node.CompareTo(b.Node));
        return edges;
    }

    private int Step(int node, byte b)
    {
        while (true)
        {
            if (_next.TryGetValue(Key(node, b), out int child))
                return child;
            if (node == Root)
                return Root;
            node = _fail[node];
        }
    }

    private static long Key(int node, byte b) => ((long)node << 8) | b;
}
