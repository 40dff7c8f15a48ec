using System.Text;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Evaluation;

/// <summary>
/// Finds the windows on which each model is furthest behind the teacher, and cuts them into chunks: a chunk ends where tokens of both sides end
/// and no character is cut. The teacher must be added before the models that are compared with it; models that are added earlier are left out.
/// All ranks find the same windows.
/// </summary>
internal sealed class DifferingFinder(EvaluationPlan plan, HeldOutText text, IRanks ranks)
{
    // A window may have up to a megabyte, but people look at the page that shows the chunks.
    private const int MostChunks = 1000;

    private readonly List<DifferingTexts> _found = [];
    private Side? _teacher;

    /// <summary>One entry for each compared model, in the order in which they were added. The untrained student is left out: it is behind everywhere.</summary>
    public IReadOnlyList<DifferingTexts> Found => _found;

    /// <summary>Adds a model's scores, and compares it with the teacher if the teacher is there. Every rank must call it.</summary>
    /// <param name="name">The model's name.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="sums">For each window Σ log p in nats, the same on all ranks.</param>
    /// <param name="kept">For each window that this rank scored, log p of each token; null for the others.</param>
    public void Add(string name, TextTokenizer tokenizer, double[] sums, float[]?[] kept)
    {
        var side = new Side(tokenizer, text.Under(tokenizer), sums, kept);
        if (name == plan.Teacher)
            _teacher = side;
        else if (_teacher is { } teacher && name != plan.Gap?.Before)
            _found.Add(new DifferingTexts(plan.Teacher!, name, [.. Furthest(teacher, side).Select(w => Text(teacher, side, w))]));
    }

    private int[] Furthest(Side teacher, Side student)
    {
        double Behind(int window) => (student.Bits(window) - teacher.Bits(window)) / Bytes(window);
        return [.. Enumerable.Range(0, text.Texts.Count).Where(w => Behind(w) > 0).OrderByDescending(Behind).ThenBy(w => w).Take(plan.Differing)];
    }

    private DifferingText Text(Side teacher, Side student, int window)
    {
        WindowText of = text.Texts[window];
        byte[] bytes = Encoding.UTF8.GetBytes(of.Judged);
        double[] teacherBits = BitsAt(teacher, of, window, bytes.Length), studentBits = BitsAt(student, of, window, bytes.Length);
        var chunks = new List<DifferingChunk>();
        int start = 0;
        foreach (int end in teacher.Ends(of).Intersect(student.Ends(of)).Where(e => e > 0 && IsBetweenCharacters(bytes, e)).Order().Take(MostChunks))
        {
            chunks.Add(new DifferingChunk(Encoding.UTF8.GetString(bytes, start, end - start), end - start, Between(teacherBits, start, end), Between(studentBits, start, end)));
            start = end;
        }
        return new DifferingText(text.DocumentIds[window].ToString(), bytes.Length, teacher.Bits(window), student.Bits(window), chunks);
    }

    private static bool IsBetweenCharacters(byte[] bytes, int at) => at == bytes.Length || (bytes[at] & 0xC0) != 0x80;

    private static double Between(double[] bits, int start, int end) => bits.AsSpan(start, end - start).ToArray().Sum();

    // For each byte, the bits of the tokens that end with it. Another rank may have scored the window, so the ranks add up what they have.
    private double[] BitsAt(Side side, WindowText of, int window, int bytes)
    {
        var bits = new double[bytes];
        int[] ends = side.Ends(of);
        if (side.Kept[window] is { } likelihoods)
        {
            for (int i = 0, before = 0; i < ends.Length; before = ends[i++])
            {
                int entry = likelihoods.Length - ends.Length + i;
                bits[Math.Max(0, ends[i] - 1)] += entry == 0 ? BitsPerByte.Bits(0, ends[i] - before) : BitsPerByte.Bits(likelihoods[entry], 0);
            }
        }
        ranks.Sum(bits.AsSpan());
        return bits;
    }

    private int Bytes(int window) => Encoding.UTF8.GetByteCount(text.Texts[window].Judged);

    private sealed class Side(TextTokenizer tokenizer, IReadOnlyList<WindowTokens> windows, double[] sums, float[]?[] kept)
    {
        private readonly TextEncoder _encoder = tokenizer.CreateEncoder();

        public float[]?[] Kept => kept;

        public double Bits(int window) => BitsPerByte.Bits(sums[window], windows[window].UnscoredBytes);

        public int[] Ends(WindowText window) => WindowTokens.ByteEnds(_encoder, window);
    }
}
