using System.Runtime.InteropServices;
using System.Text;
using Pipeline.Stages.Tokenization.Tokens;
using Pipeline.Stages.Tokenization.Writing;

namespace Pipeline.Stages.Tokenization.Training;

/// <summary>
/// Learns a byte-level BPE exactly: at every step, the most frequent pair of neighbouring symbols is merged everywhere. Of equally frequent pairs, the one
/// with the smaller left id is merged, then the one with the smaller right id. The ids of bytes are in the order of the byte alphabet's characters,
/// and merged tokens follow in the order in which they were made. Hugging Face's trainer does the same. Counts are updated word by word.
/// </summary>
internal sealed class BpeTrainer
{
    private readonly List<string> _tokens = [];
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly List<(int, int)> _merges = [];
    private readonly int[][] _words;
    private readonly long[] _frequencies;

    // By word, the number of the merge that changed it last.
    private readonly int[] _stamps;
    private readonly Dictionary<long, Pair> _pairs = [];
    private readonly PriorityQueue<long, (long NegativeCount, long Pair)> _queue = new();

    // The pairs whose counts may have grown since they were queued.
    private readonly HashSet<long> _grown = [];

    private BpeTrainer(IReadOnlyDictionary<string, long> words)
    {
        foreach (char c in Enumerable.Range(0, 256).Select(b => ByteAlphabet.Character((byte)b)).Order())
        {
            _ids[c.ToString()] = _tokens.Count;
            _tokens.Add(c.ToString());
        }
        int[] byteIds = [.. Enumerable.Range(0, 256).Select(b => _ids[ByteAlphabet.Character((byte)b).ToString()])];
        // The order of the words does not matter. Sorting them makes that obvious.
        KeyValuePair<string, long>[] sorted = [.. words.OrderBy(w => w.Key, StringComparer.Ordinal)];
        _words = Array.ConvertAll(sorted, w => Array.ConvertAll(Encoding.UTF8.GetBytes(w.Key), b => byteIds[b]));
        _frequencies = Array.ConvertAll(sorted, w => w.Value);
        _stamps = new int[sorted.Length];
        for (int word = 0; word < _words.Length; word++)
            Count(word, 1);
        Enqueue();
    }

    /// <summary>Learns a vocabulary.</summary>
    /// <param name="words">Each word with the number of times that it occurs.</param>
    /// <param name="size">The number of tokens to stop at, including the 256 bytes. There are fewer if no pair is left to merge.</param>
    /// <param name="minFrequency">Pairs that occur less often are not merged.</param>
    /// <param name="progress">Called after each merge with the number of tokens.</param>
    /// <param name="cancellationToken">Stops the training between two merges.</param>
    public static Vocabulary Train(
        IReadOnlyDictionary<string, long> words, int size, long minFrequency, Action<int>? progress, CancellationToken cancellationToken)
    {
        var trainer = new BpeTrainer(words);
        while (trainer._tokens.Count < size && trainer.MergeBest(minFrequency))
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress?.Invoke(trainer._tokens.Count);
        }
        return new Vocabulary(trainer._tokens, trainer._merges);
    }

    private static long Key(int left, int right) => ((long)left << 32) | (uint)right;

    private bool MergeBest(long minFrequency)
    {
        while (_queue.TryDequeue(out long key, out (long NegativeCount, long Pair) priority))
        {
            if (!_pairs.TryGetValue(key, out Pair? pair) || pair.Count <= 0)
                continue;
            if (pair.Count != -priority.NegativeCount)
            {
                pair.Offered = pair.Count;
                _queue.Enqueue(key, (-pair.Count, key));
                continue;
            }
            if (pair.Count < minFrequency)
                return false;
            Merge((int)(key >> 32), (int)(uint)key, pair);
            return true;
        }
        return false;
    }

    private void Merge(int left, int right, Pair pair)
    {
        string token = _tokens[left] + _tokens[right];
        // Two pairs can make the same token: "a" + "bc" and "ab" + "c".
        if (!_ids.TryGetValue(token, out int merged))
        {
            _ids[token] = merged = _tokens.Count;
            _tokens.Add(token);
        }
        _merges.Add((left, right));
        int stamp = _merges.Count;
        List<int> words = pair.Words;
        pair.Words = [];
        foreach (int word in words)
        {
            if (_stamps[word] == stamp)
                continue;
            _stamps[word] = stamp;
            Count(word, -1);
            _words[word] = Replace(_words[word], left, right, merged);
            Count(word, 1);
        }
        Enqueue();
    }

    private static int[] Replace(int[] symbols, int left, int right, int merged)
    {
        int written = 0;
        for (int i = 0; i < symbols.Length; i++)
        {
            bool match = symbols[i] == left && i + 1 < symbols.Length && symbols[i + 1] == right;
            symbols[written++] = match ? merged : symbols[i];
            i += match ? 1 : 0;
        }
        return written == symbols.Length ? symbols : symbols[..written];
    }

    /// <summary>Adds the pairs of a word to the counts (sign 1), or takes them away (sign -1).</summary>
    private void Count(int word, int sign)
    {
        int[] symbols = _words[word];
        for (int i = 1; i < symbols.Length; i++)
        {
            long key = Key(symbols[i - 1], symbols[i]);
            ref Pair? pair = ref CollectionsMarshal.GetValueRefOrAddDefault(_pairs, key, out _);
            pair ??= new Pair();
            pair.Count += sign * _frequencies[word];
            if (sign < 0)
                continue;
            if (pair.Words.Count == 0 || pair.Words[^1] != word)
                pair.Words.Add(word);
            _grown.Add(key);
        }
    }

    /// <summary>Queues the pairs whose counts may have grown. A count that has become smaller is noticed when the pair is taken from the queue.</summary>
    private void Enqueue()
    {
        foreach (long key in _grown)
        {
            Pair pair = _pairs[key];
            if (pair.Count == pair.Offered)
                continue;
            pair.Offered = pair.Count;
            _queue.Enqueue(key, (-pair.Count, key));
        }
        _grown.Clear();
    }

    private sealed class Pair
    {
        public long Count { get; set; }

        /// <summary>The count of the pair's last entry. The queue holds that entry, or one with a larger count.</summary>
        public long Offered { get; set; }

        /// <summary>Words that may contain the pair. Some are listed twice, and some no longer contain it.</summary>
        public List<int> Words { get; set; } = [];
    }
}
