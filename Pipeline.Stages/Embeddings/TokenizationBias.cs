using System.Text;
using Pipeline.Stages.Objectives;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// The tokenization bias of pairs of last tokens (arXiv 2503.20083, appendix on outcome chunk debiasing): a sequence that ends in
/// token x says that its continuation is none of those which would have been tokenized across x's end. For a pair of a teacher and
/// a student token it is the probability of the continuations that one side excludes and the other does not.
/// </summary>
internal static class TokenizationBias
{
    /// <summary>Biases of all pairs where one token's bytes end with the other's.</summary>
    /// <param name="teacher">The teacher's tokenizer.</param>
    /// <param name="student">The student's tokenizer.</param>
    /// <param name="progress">Is told how many of how many tokens are done.</param>
    /// <param name="cancellation">Looked at once per token.</param>
    public static TokenPairBias Of(
        BiasSide teacher, BiasSide student, Action<long, long>? progress = null, CancellationToken cancellation = default)
    {
        Entry[] order = [.. Entries(teacher, isTeacher: true).Concat(Entries(student, isTeacher: false))];
        // By reversed bytes, so that the tokens which a token ends with are exactly the open entries before it: a cover is made once
        // and kept no longer than needed.
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

    /// <summary>Unigram probabilities from counts, each raised by a share of their sum so that none is 0.</summary>
    public static double[] Smooth(IReadOnlyList<long> counts, double additive = 1e-5)
    {
        double sum = counts.Sum(), total = sum + counts.Count * additive * sum;
        return [.. counts.Select(count => (float)((count + additive * sum) / total)).Select(p => (double)p)];
    }

    private static IEnumerable<Entry> Entries(BiasSide side, bool isTeacher)
        => side.Distinct.Select(id => new Entry(side.Vocabulary[id].ToArray(), id, isTeacher));

    // The four separators U+001C..U+001F are white space to the reference and not to char.IsWhiteSpace.
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
