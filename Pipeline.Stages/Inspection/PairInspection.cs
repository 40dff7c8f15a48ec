using System.Globalization;
using System.Text;

using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Inspection;

/// <summary>Compares a pair of tokenizers on a sample of text, for <c>alm inspect pair</c>.</summary>
public static class PairInspection
{
    private const string Bytes = "bytes";

    /// <summary>The limits on tokens per document whose effect is shown where no others are asked for.</summary>
    public static IReadOnlyList<int> UsualLimits { get; } = [256, 512, 1024, 2048, 4096, 8192];

    private static readonly string[] Probes =
    [
        "7", "42", "365", "2024", "12345678", "3.14", "1,000", "1e-5", "-17", "$5.99", "10%", "7 + 5 = 12", "x = 3;", "don't", "...", "!=", "(a, b)", "foo_bar()", "\n\n", "    ", "naïve", "東京", "😀",
    ];

    /// <summary>Reads the sample once and reports on it.</summary>
    /// <param name="teacherPath">A Hugging Face folder or a <c>tokenizer.json</c>.</param>
    /// <param name="studentPath">The same, or "bytes" for a byte-level student with the teacher's special tokens.</param>
    /// <param name="texts">The documents of the sample.</param>
    /// <param name="limits">The limits on tokens per document whose effect is to be shown.</param>
    /// <param name="storage">Where the files are.</param>
    /// <exception cref="Contracts.Errors.InputException">A tokenizer cannot be loaded.</exception>
    public static PairReport Run(string teacherPath, string studentPath, IEnumerable<string> texts, IReadOnlyList<int> limits, IStorage storage)
    {
        TextTokenizer teacher = TextTokenizer.Load(teacherPath, storage);
        TextTokenizer student = studentPath == Bytes && teacherPath != Bytes
            ? SideTokenizers.BytesWithSpecialsOf(teacher)
            : TextTokenizer.Load(studentPath, storage);
        string? teacherTemplate = teacherPath == Bytes ? null : ChatTemplate.Find(teacherPath, storage);
        string? studentTemplate = studentPath == Bytes ? teacherTemplate : ChatTemplate.Find(studentPath, storage);
        TextEncoder teacherEncoder = teacher.CreateEncoder(), studentEncoder = student.CreateEncoder();
        SampleFigures sample = new(limits);
        Dictionary<string, RejectRow> rejects = new(StringComparer.Ordinal);
        foreach (string text in texts)
            Add(WellFormedText.Normalize(text), teacherEncoder, studentEncoder, sample, rejects);
        return new PairReport
        {
            Teacher = teacherPath,
            Student = studentPath,
            Vocabulary = Match(teacher, student),
            Text = sample.Text,
            ChunkLengths = sample.ChunkLengths,
            Runs = sample.Runs,
            Splits = [.. Probes.Select(p => Split(p, teacher, student, teacherEncoder, studentEncoder)).OfType<SplitRow>()],
            Specials = SpecialTokenAudit.Run(new ChatSide(teacher, teacherPath, teacherTemplate), new ChatSide(student, studentPath, studentTemplate)),
            Rejects = [.. rejects.Values.OrderByDescending(r => r.Documents)],
            Limits = sample.Limits,
        };
    }

    private static void Add(string text, TextEncoder teacher, TextEncoder student, SampleFigures sample, Dictionary<string, RejectRow> rejects)
    {
        if (text.Length == 0)
        {
            Reject(rejects, "text is empty", "the text has no characters");
            return;
        }
        try
        {
            sample.Add(text, teacher.EncodeDocument(text, addBos: true, addEos: true), student.EncodeDocument(text, addBos: true, addEos: true));
        }
        catch (ByteViewException e)
        {
            Reject(rejects, ByteViewException.Reason, e.Message);
        }
    }

    private static void Reject(Dictionary<string, RejectRow> rejects, string reason, string message)
        => rejects[reason] = rejects.TryGetValue(reason, out RejectRow? row) ? row with { Documents = row.Documents + 1 } : new RejectRow(reason, 1, message);

    private static VocabularyMatch Match(TextTokenizer teacher, TextTokenizer student)
    {
        HashSet<string> teacherViews = Views(teacher), studentViews = Views(student);
        return new VocabularyMatch(teacherViews.Count, studentViews.Count, teacherViews.Count(studentViews.Contains));
    }

    /// <summary>The distinct byte views of the tokens that stand for text, as strings with one character for each byte.</summary>
    private static HashSet<string> Views(TextTokenizer tokenizer)
    {
        HashSet<string> views = new(StringComparer.Ordinal);
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            if (!tokenizer.IsMark(id) && tokenizer.ByteView(id) is { Length: > 0 } view)
                views.Add(Encoding.Latin1.GetString(view));
        }
        return views;
    }

    private static SplitRow? Split(string text, TextTokenizer teacher, TextTokenizer student, TextEncoder teacherEncoder, TextEncoder studentEncoder)
    {
        string normal = WellFormedText.Normalize(text);
        try
        {
            TokenSequence teacherTokens = teacherEncoder.EncodeDocument(normal, false, false), studentTokens = studentEncoder.EncodeDocument(normal, false, false);
            return new SplitRow(normal, Pieces(normal, teacherTokens), Pieces(normal, studentTokens), Cuts(teacherTokens).SequenceEqual(Cuts(studentTokens)));
        }
        catch (ByteViewException)
        {
            // One of the tokenizers cannot reproduce the probe. Where real text has this problem, the rejects of the sample say so.
            return null;
        }
    }

    // A token that is only an inserted space has no bytes of the text, and cuts nothing.
    private static IEnumerable<int> Cuts(TokenSequence side) => side.ByteEnds.Where(end => end > 0).Distinct();

    private static string[] Pieces(string text, TokenSequence side)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return [.. side.ByteEnds.Select((end, i) => Show(bytes.AsSpan((i == 0 ? 0 : side.ByteEnds[i - 1])..end))).Where(piece => piece.Length > 0)];
    }

    private static string Show(ReadOnlySpan<byte> bytes)
        => System.Text.Unicode.Utf8.IsValid(bytes)
            ? Encoding.UTF8.GetString(bytes)
            : string.Concat(bytes.ToArray().Select(b => string.Create(CultureInfo.InvariantCulture, $"<{b:X2}>")));
}
