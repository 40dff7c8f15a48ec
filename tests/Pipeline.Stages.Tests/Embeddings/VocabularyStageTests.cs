using System.Text;
using System.Text.Unicode;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Tests.Text;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Training;
using Pipeline.Stages.Tokenization.Writing;

namespace Pipeline.Stages.Tests.Embeddings;

public sealed class VocabularyStageTests : IDisposable
{
    private const string Corpus = "one two onetwo é née née twoé one two three there";
    private readonly StageHarness _harness = new();
    private readonly TextTokenizer _teacher = Train(300);
    private readonly TextTokenizer _student = Train(275);

    public void Dispose() => _harness.Dispose();

    [Fact]
    public async Task The_bias_stage_writes_what_whole_texts_say()
    {
        StageContext context = Context();
        var stage = Made.ComputeBias(new ComputeBiasOptions(), context);
        Assert.False(stage.IsCommitted(0));
        await stage.RunAsync(Documents(Corpus, "two née"), default);
        Assert.True(stage.IsCommitted(0));

        var tokenizers = new TokenizerPair(_teacher.Fingerprint, _student.Fingerprint);
        TokenPairBias bias = VocabularyFile.ReadBias(_harness.Storage, _harness.PathOf("token-pair-bias.txt"), tokenizers);
        double[] teacher = Probabilities(_teacher, Corpus, "two née"), student = Probabilities(_student, Corpus, "two née");
        int biased = 0;
        for (int i = 0; i < bias.Teacher.Length; i++)
        {
            byte[] t = _teacher.ByteView(bias.Teacher[i]).ToArray(), s = _student.ByteView(bias.Student[i]).ToArray();
            Assert.True(t.AsSpan().EndsWith(s) || s.AsSpan().EndsWith(t));
            if (Encoding.UTF8.GetString(t).All(IsSpace) || Encoding.UTF8.GetString(s).All(IsSpace))
                continue;
            Dictionary<string, double> ofTeacher = SlowCover(_teacher, teacher, t), ofStudent = SlowCover(_student, student, s);
            Assert.Equal(ofTeacher.Where(e => !ofStudent.ContainsKey(e.Key)).Sum(e => e.Value), bias.TeacherOnly[i], 1e-6);
            Assert.Equal(ofStudent.Where(e => !ofTeacher.ContainsKey(e.Key)).Sum(e => e.Value), bias.StudentOnly[i], 1e-6);
            biased += bias.TeacherOnly[i] > 0 ? 1 : 0;
        }
        Assert.True(biased > 10, $"{biased} of {bias.Teacher.Length}");
    }

    [Fact]
    public async Task The_token_map_names_the_nearest_teacher_token_of_every_student_token()
    {
        StageContext context = Context();
        var sink = Made.WriteTokenMap(new WriteTokenMapOptions(), context);
        await sink.RunAsync(Made.MatchTokens(context).ReadAsync(default), default);
        Assert.True(sink.IsCommitted(0) && sink.IsPresent(0));
        MinedEntry[] map = VocabularyFile.ReadMap(
            _harness.Storage, _harness.PathOf("token-map.txt"), new TokenizerPair(_teacher.Fingerprint, _student.Fingerprint));
        Assert.Equal(_student.VocabularySize, map.Length);
        for (int id = 0; id < map.Length; id++)
        {
            if (map[id].Distance == 0)
                Assert.Equal(_student.ByteView(id).ToArray(), _teacher.ByteView(map[id].SourceId).ToArray());
        }
        Assert.True(map.Count(m => m.Distance == 0) >= 257);
    }

    [Fact]
    public void A_table_of_other_tokenizers_or_with_lines_missing_is_refused_by_name()
    {
        string path = _harness.PathOf("map.txt");
        VocabularyFile.WriteMap(_harness.Storage, path, [new(3, 0), new(-1, 0), new(5, 2)], new TokenizerPair("aa", "bb"));
        Assert.Equal([new(3, 0), new(-1, 0), new(5, 2)], VocabularyFile.ReadMap(_harness.Storage, path, new TokenizerPair("aa", "bb")));
        var other = Assert.Throws<InputException>(() => VocabularyFile.ReadMap(_harness.Storage, path, new TokenizerPair("aa", "cc")));
        Assert.Contains(path, other.Message, StringComparison.Ordinal);
        Assert.Throws<InputException>(() => VocabularyFile.ReadBias(_harness.Storage, path, new TokenizerPair("aa", "bb")));
        string[] lines = File.ReadAllLines(path);
        File.WriteAllLines(path, lines[..^1]);
        Assert.Throws<InputException>(() => VocabularyFile.ReadMap(_harness.Storage, path, new TokenizerPair("aa", "bb")));
        Assert.Throws<InputException>(() => VocabularyFile.ReadMap(_harness.Storage, _harness.PathOf("none.txt"), new TokenizerPair("aa", "bb")));
    }

    [Fact]
    public void Bias_matrices_come_back_as_written()
    {
        string path = _harness.PathOf("bias.txt");
        var bias = new TokenPairBias(9, 8, [1, 1, 7], [2, 3, 0], [0.1f, 1e-7f, 0], [1, 0.25f, 3e-5f]);
        VocabularyFile.WriteBias(_harness.Storage, path, bias, new TokenizerPair("t", "s"));
        TokenPairBias read = VocabularyFile.ReadBias(_harness.Storage, path, new TokenizerPair("t", "s"));
        Assert.Equal((9, 8), (read.TeacherVocabulary, read.StudentVocabulary));
        Assert.Equal(bias.Teacher, read.Teacher);
        Assert.Equal(bias.Student, read.Student);
        Assert.Equal(bias.TeacherOnly, read.TeacherOnly);
        Assert.Equal(bias.StudentOnly, read.StudentOnly);
    }

    private StageContext Context()
    {
        _teacher.Save(_harness.PathOf("teacher"), _harness.Storage);
        _student.Save(_harness.PathOf("student"), _harness.Storage);
        _harness.Add(new TokenizerStore(_harness.Storage));
        StageContext context = _harness.Context();
        return context with
        {
            Definition = context.Definition with
            {
                Teacher = new TeacherDefinition { Model = _harness.PathOf("teacher") },
                Student = new StudentDefinition { Tokenizer = _harness.PathOf("student") },
            },
        };
    }

    private static TextTokenizer Train(int size)
    {
        string regex = WordPatterns.Regex(WordPattern.Llama3);
        var untrained = TextTokenizer.FromJson(
            "bytes", ByteTokenizerWriter.Write(BpeTrainer.Train(new Dictionary<string, long>(), 256, 1, null, default), ["<s>"], "<s>", regex, nfc: false), []);
        var counter = new WordCounter(untrained.Definition);
        counter.Add(Corpus);
        return TextTokenizer.FromJson(
            "trained", ByteTokenizerWriter.Write(BpeTrainer.Train(counter.Counts, size, 1, null, default), ["<s>"], "<s>", regex, nfc: false), []);
    }

    private static async IAsyncEnumerable<TextDocument> Documents(params string[] texts)
    {
        await Task.CompletedTask;
        for (int i = 0; i < texts.Length; i++)
            yield return new TextDocument(new DocumentId(1, i, 0), texts[i]);
    }

    private static double[] Probabilities(TextTokenizer tokenizer, params string[] texts)
    {
        var ids = new List<int>();
        foreach (string text in texts)
            tokenizer.CreateEncoder().Encode(text, addSpecialTokens: false, ids);
        double all = ids.Count, size = tokenizer.VocabularySize;
        return [.. Enumerable.Range(0, (int)size).Select(id => (ids.Count(i => i == id) + 1e-5 * all) / (all + 1e-5 * all * size))];
    }

    // Whole texts, tokenized whole.
    private static Dictionary<string, double> SlowCover(TextTokenizer tokenizer, double[] probabilities, byte[] token)
    {
        var cover = new Dictionary<string, double>();
        for (int split = token.Length - 1; split >= 0; split--)
        {
            byte[] u = token[..split], w = token[split..];
            if (!Utf8.IsValid(u))
                continue;
            for (int y = 0; y < tokenizer.VocabularySize; y++)
            {
                byte[] bytes = tokenizer.ByteView(y).ToArray(), text = [.. u, .. bytes];
                if (bytes.Length > w.Length && bytes.AsSpan().StartsWith(w) && Utf8.IsValid(text)
                    && tokenizer.EncodeBytes(text).SequenceEqual(tokenizer.EncodeBytes(u).Append(y)))
                {
                    cover[Encoding.Latin1.GetString(bytes[w.Length..])] = probabilities[y];
                }
            }
        }
        return cover;
    }

    private static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F';
}
