using System.Text;
using Pipeline.Stages.Objectives;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// The tokenization bias of pairs of last tokens (arXiv 2503.20083, appendix on outcome chunk debiasing). A sequence that ends in token x says that
/// the text does not go on in a way that would have been tokenized across the end of x. For a teacher token and a student token, the bias is the
/// probability of the continuations that one of them rules out and the other does not.
/// </summary>
internal static class TokenizationBias
{
    /// <summary>The biases of all pairs of tokens in which the bytes of one end with the bytes of the other.</summary>
    /// <param name="teacher">The teacher's tokenizer.</param>
    /// <param name="student">The student's tokenizer.</param>
    /// <param name="progress">Receives how many tokens are done, and their total number.</param>
    /// <param name="cancellation">Checked once for each token.</param>
    /// <returns>The pairs in order of their ids. A pair with a token of white space gets a bias of 1 on both sides.</returns>
    public static TokenPairBias Of(
        BiasSide teacher, BiasSide student, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        Entry[] order = [.. Entries(teacher, isTeacher: true).Concat(Entries(student, isTeacher: false))];
        // Sorted by reversed bytes, the tokens that a token ends with come right before it, as a stack of open entries. Each cover is thus computed
        // once, and kept no longer than needed.
        Array.Sort(order);
        var pairs = new SortedDictionary<(int Teacher, int Student), (float, float)>();
        var open = new Stack<(Entry Entry, TokenCover Cover)>();
        long done = 0;
        foreach (Entry entry in order)
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Invoke(done++, order.Length);
            while (open.Count > 0 && !entry.EndsWith(open.Peek().Entry))
                open.Pop();
            TokenCover cover = TokenCover.Of(entry.IsTeacher ? teacher : student, entry.Bytes);
            foreach ((Entry other, TokenCover otherCover) in open)
            {
                if (other.IsTeacher == entry.IsTeacher)
                    continue;
                (Entry t, TokenCover ofTeacher) = entry.IsTeacher ? (entry, cover) : (other, otherCover);
                (Entry s, TokenCover ofStudent) = entry.IsTeacher ? (other, otherCover) : (entry, cover);
                pairs[(t.Id, s.Id)] = IsWhiteSpace(t.Bytes) || IsWhiteSpace(s.Bytes)
                    ? (1, 1)
                    : ((float)ofTeacher.MassWithout(ofStudent), (float)ofStudent.MassWithout(ofTeacher));
            }
            open.Push((entry, cover));
        }
        return new TokenPairBias(
            teacher.Vocabulary.Count, student.Vocabulary.Count, [.. pairs.Keys.Select(k => k.Teacher)], [.. pairs.Keys.Select(k => k.Student)],
            [.. pairs.Values.Select(v => v.Item1)], [.. pairs.Values.Select(v => v.Item2)]);
    }

    /// <summary>Unigram probabilities from counts. A share of the sum of all counts is added to each, so that none is 0.</summary>
    public static double[] Smooth(IReadOnlyList<long> counts, double additive = 1e-5)
    {
        double sum = counts.Sum(), total = sum + counts.Count * additive * sum;
        return [.. counts.Select(count => (float)((count + additive * sum) / total)).Select(p => (double)p)];
    }

    private static IEnumerable<Entry> Entries(BiasSide side, bool isTeacher)
        => side.Distinct.Select(id => new Entry(side.Vocabulary[id].ToArray(), id, isTeacher));

    // The reference counts the four separators U+001C to U+001F as white space, and char.IsWhiteSpace does not.
    private static bool IsWhiteSpace(byte[] bytes) => Encoding.UTF8.GetString(bytes).All(c => char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F');

    private readonly record struct Entry(byte[] Bytes, int Id, bool IsTeacher) : IComparable<Entry>
    {
        public int CompareTo(Entry other)
        {
            int shorter = Math.Min(Bytes.Length, other.Bytes.Length);
            for (int i = 1; i <= shorter; i++)
            {
                int order = Bytes[^i].CompareTo(other.Bytes[^i]);
                if (order != 0)
                    return order;
            }
            int length = Bytes.Length.CompareTo(other.Bytes.Length);
            return length != 0 ? length : other.IsTeacher.CompareTo(IsTeacher);
        }

        public bool EndsWith(Entry suffix) => Bytes.AsSpan().EndsWith(suffix.Bytes);
    }
}
