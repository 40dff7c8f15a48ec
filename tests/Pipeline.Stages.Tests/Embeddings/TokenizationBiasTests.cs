using System.Text;
using System.Text.Json;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Objectives;
using Pipeline.Stages.Tests.Objectives;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Embeddings;

public sealed class TokenizationBiasTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("bias_gemma2_qwen2")]
    [InlineData("bias_qwen2_llama3")]
    public void Pairs_and_biases_are_the_references(string folder)
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        JsonElement golden = GoldenFolder.Json($"vocab/{folder}/bias.json");
        BiasSide Side(string name, int column)
        {
            var tokenizer = new GoldenTokenizer(GoldenFolder.Json($"vocab/{folder}/{name}.tokenizer.json"));
            int rows = golden.GetProperty("matrix_shape")[column].GetInt32();
            var counts = new long[rows];
            foreach (JsonProperty count in golden.GetProperty($"{name}_counts").EnumerateObject())
                counts[int.Parse(count.Name, System.Globalization.CultureInfo.InvariantCulture)] = count.Value.GetInt64();
            double[] expected = golden.GetProperty($"{name}_token_probs").Numbers();
            double[] probabilities = TokenizationBias.Smooth(counts, golden.GetProperty("additive_smoothing_constant").GetDouble());
            for (int i = 0; i < rows; i++)
                Assert.Equal(expected[i], probabilities[i], 1e-6 * expected[i]);
            Assert.Equal(rows, tokenizer.Vocabulary.Count);
            return new BiasSide(tokenizer.Vocabulary, probabilities, tokenizer.Tokenize);
        }
        TokenPairBias bias = TokenizationBias.Of(Side("teacher", 0), Side("student", 1));
        Dictionary<(int, int), (double, double)> expected = golden.GetProperty("entries").EnumerateArray()
            .ToDictionary(e => (e[0].GetInt32(), e[1].GetInt32()), e => (e[2].GetDouble(), e[3].GetDouble()));
        string Name(int t, int s) => $"{golden.GetProperty("teacher_tokens")[t]} / {golden.GetProperty("student_tokens")[s]}";
        var seen = new HashSet<(int, int)>();
        for (int i = 0; i < bias.Teacher.Length; i++)
        {
            (int, int) pair = (bias.Teacher[i], bias.Student[i]);
            Assert.True(expected.TryGetValue(pair, out (double First, double Second) e), $"{pair} {Name(pair.Item1, pair.Item2)} is no pair");
            Assert.True(Math.Abs(e.First - bias.TeacherOnly[i]) <= 1e-6 && Math.Abs(e.Second - bias.StudentOnly[i]) <= 1e-6,
                $"{Name(pair.Item1, pair.Item2)}: {bias.TeacherOnly[i]} {bias.StudentOnly[i]}, expected {e}");
            seen.Add(pair);
        }
        string[] missing = [.. expected.Keys.Where(k => !seen.Contains(k)).Select(k => Name(k.Item1, k.Item2))];
        Assert.True(missing.Length == 0, $"{missing.Length} missing: {string.Join(", ", missing.Take(5))}");
        output.WriteLine($"{expected.Count} pairs");
        Assert.True(expected.Count > 400);
    }

    [Fact]
    public void A_token_excludes_what_its_tokenizer_would_have_joined()
    {
        // The teacher joins "ab"; after its token "a" no "b" can follow. The student has letters only and excludes nothing.
        VocabularyBytes teacher = FvtTransferTests.Make("a", "b", "c", "ab"), student = FvtTransferTests.Make("a", "b", "c");
        List<int> Join(ReadOnlySpan<byte> bytes)
        {
            var ids = new List<int>();
            foreach (byte b in bytes)
            {
                if (b == 'b' && ids.Count > 0 && ids[^1] == 0)
                    ids[^1] = 3;
                else
                    ids.Add(b - 'a');
            }
            return ids;
        }
        List<int> Letters(ReadOnlySpan<byte> bytes) => [.. Encoding.ASCII.GetString(bytes).Select(c => c - 'a')];
        TokenPairBias bias = TokenizationBias.Of(new BiasSide(teacher, [0.1, 0.2, 0.3, 0.4], Join), new BiasSide(student, [0.3, 0.3, 0.4], Letters));
        var pairs = Enumerable.Range(0, bias.Teacher.Length).ToDictionary(i => (bias.Teacher[i], bias.Student[i]), i => (bias.TeacherOnly[i], bias.StudentOnly[i]));
        Assert.Equal([(0, 0), (1, 1), (2, 2), (3, 1)], pairs.Keys);
        Assert.Equal((0.4f, 0f), pairs[(0, 0)]);
        Assert.Equal((0f, 0f), pairs[(3, 1)]);
        Assert.False(bias.Closes(0, 0, 0.1));
        Assert.True(bias.Closes(0, 0, 0.5) && bias.Closes(3, 1, 0.1) && bias.Closes(1, 0, 0.1) && bias.Closes(9, 0, 0));
    }
}
