using System.Text.Json;
using CsCheck;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Tests.Objectives;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Embeddings;

public sealed class VocabularyTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("fvt_gemma2_to_qwen2_tied")]
    [InlineData("fvt_llama3_to_gemma2_tied")]
    [InlineData("fvt_qwen2_to_llama3_untied")]
    public void Boundary_masks_are_the_references(string folder)
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        JsonElement golden = GoldenFolder.Json($"vocab/{folder}/fvt.json").GetProperty("space_masks");
        foreach (string side in new[] { "source", "target" })
        {
            var tokenizer = new GoldenTokenizer(GoldenFolder.Json($"vocab/{folder}/{side}.tokenizer.json"));
            foreach (JsonProperty mode in golden.GetProperty(side).EnumerateObject())
            {
                BoundarySet set = BoundarySet.None;
                foreach (string part in mode.Name.Split('+'))
                {
                    // The reference's names of tab and newline are crossed.
                    set |= part switch { "space" => BoundarySet.Space, "tab" => BoundarySet.Newline, "newline" => BoundarySet.Tab, _ => BoundarySet.Special };
                }
                bool[] mask = BoundaryMask.For(tokenizer.Vocabulary, tokenizer.Marks, set, tokenizer.Vocabulary.Count + 3);
                int[] expected = [.. mode.Value.EnumerateArray().Select(e => e.GetInt32())];
                Assert.Equal(expected, Enumerable.Range(0, mask.Length).Where(i => mask[i]));
            }
        }
    }

    [Fact]
    public void The_boundary_is_the_first_byte_of_text_and_every_special()
    {
        VocabularyBytes vocabulary = FvtTransferTests.Make(" a", "a ", "\tb", "\n", "<s>!", " mark!");
        Assert.Equal([true, false, true, true, true, false, false], BoundaryMask.For(vocabulary, [4], BoundarySet.All, 7));
        Assert.Equal([true, false, false, false, false, false], BoundaryMask.For(vocabulary, [4], BoundarySet.Space, 6));
        Assert.Equal([false, false, true], BoundaryMask.For(2, 3));
    }

    [Fact]
    public void Mined_distances_are_the_references_and_tokens_where_one_is_nearest()
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        JsonElement golden = GoldenFolder.Json("vocab/mined_qwen2_to_llama3/mined_mapping.json");
        VocabularyBytes Read(IEnumerable<string> letters) => letters.Select(ByteLetters.Bytes).ToArray() is var tokens
            ? VocabularyBytes.Create(tokens.Length, id => tokens[id], _ => TokenClass.Text) : throw new InvalidOperationException();
        VocabularyBytes source = Read(golden.GetProperty("source_tokens").EnumerateArray().Select(e => e.GetString()!));
        JsonElement[] rows = [.. golden.GetProperty("mapping").EnumerateArray()];
        MinedEntry[] mapping = MinedMapping.Of(source, source.Count, Read(rows.Select(r => r.GetProperty("target_token").GetString()!)));
        int unique = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            Assert.True(rows[i].GetProperty("distance").GetInt32() == mapping[i].Distance, $"{rows[i]}: {mapping[i]}");
            if (!rows[i].TryGetProperty("all_sources_at_that_distance", out JsonElement n) || n.GetInt32() == 1)
            {
                Assert.True(rows[i].GetProperty("source_id").GetInt32() == mapping[i].SourceId, $"{rows[i]}: {mapping[i]}");
                unique++;
            }
        }
        output.WriteLine($"{rows.Length} distances, {unique} with one nearest token");
        Assert.True(unique > 300);
    }

    [Fact]
    public void Mined_finds_what_a_full_scan_of_the_table_finds()
    {
        Gen<byte[]> token = Gen.Byte[0, 4].Array[1, 7], wide = Gen.Byte.Array[1, 90];
        Gen.Select(Gen.OneOf(token, token, token, wide).Array[1, 30], Gen.OneOf(token, token, token, wide).Array[1, 10]).Sample((source, target) =>
        {
            MinedEntry[] mapping = MinedMapping.Of(Make(source), source.Length, Make(target));
            for (int i = 0; i < target.Length; i++)
            {
                int nearest = source.Min(s => Table(s, target[i]));
                Assert.Equal(nearest, mapping[i].Distance);
                Assert.Equal(nearest, Table(source[mapping[i].SourceId], target[i]));
            }
        }, iter: 200);
    }

    [Fact]
    public void Byte_input_is_expanded_as_the_reference_does()
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        JsonElement golden = GoldenFolder.Json("vocab/expand_bytes/expand_input_ids.json");
        string[] bytes = [.. golden.GetProperty("byte_tokens").EnumerateArray().Select(e => e.GetString()!)];
        string[] tokens = [.. golden.GetProperty("expand_tokens").EnumerateArray().Select(e => e.GetString()!)];
        VocabularyBytes source = VocabularyBytes.Create(tokens.Length, id => ByteLetters.Bytes(tokens[id]), _ => TokenClass.Text);
        VocabularyBytes student = VocabularyBytes.Create(bytes.Length, id => ByteLetters.Bytes(bytes[id]), id => id < 256 ? TokenClass.Text : TokenClass.Mark);
        InputExpansion expansion = InputExpansion.Create(student, source, tokens.Length, new Dictionary<int, int>());
        int positions = 0;
        foreach (JsonElement row in golden.GetProperty("rows").EnumerateArray())
        {
            int[] ids = [.. row.GetProperty("byte_ids").EnumerateArray().Select(e => e.GetInt32())];
            int[] expected = [.. row.GetProperty("expanded_ids").EnumerateArray().Select(e => e.GetInt32())];
            var actual = new int[ids.Length];
            expansion.Expand(ids, actual);
            Assert.Equal(expected.Select(i => tokens[i]), actual.Select(i => tokens[i]));
            positions += ids.Length;
        }
        Assert.True(positions >= 100);
    }

    [Fact]
    public void A_word_that_the_student_has_whole_is_no_run_of_bytes()
    {
        VocabularyBytes student = FvtTransferTests.Make("u", "s", "su!", "<e>!"), source = FvtTransferTests.Make("u", "s", "us", "su", "susu", "<e>!", "<f>!");
        InputExpansion expansion = InputExpansion.Create(student, source, 7, new Dictionary<int, int> { [3] = 6 });
        var ids = new int[8];
        expansion.Expand([1, 0, 1, 0, 2, 0, 1, 3], ids);
        // "su" as bytes is not matched, "susu" is; nothing is matched across the whole word.
        Assert.Equal([1, 0, 2, 4, 3, 0, 2, 6], ids);
    }

    [Fact]
    public void Expansion_finds_the_longest_token_that_ends_at_each_byte()
    {
        Gen.Select(Gen.Byte[0, 3].Array[1, 18].Array[1, 25], Gen.Int[0, 4].Array[0, 60]).Sample((tokens, input) =>
        {
            // Student ids 0..3 are bytes, 4 is a mark that no source token stands for.
            VocabularyBytes student = VocabularyBytes.Create(5, id => new[] { (byte)id }, id => id < 4 ? TokenClass.Text : TokenClass.Mark);
            InputExpansion expansion = InputExpansion.Create(student, Make(tokens), tokens.Length, new Dictionary<int, int>());
            var actual = new int[input.Length];
            expansion.Expand(input, actual);
            for (int i = 0; i < input.Length; i++)
            {
                int longest = -1;
                for (int t = tokens.Length - 1; t >= 0 && input[i] < 4; t--)
                {
                    int n = tokens[t].Length;
                    if (n <= 16 && n <= i + 1 && (longest < 0 || n >= tokens[longest].Length) && tokens[t].Select(b => (int)b).SequenceEqual(input[(i + 1 - n)..(i + 1)]))
                        longest = t;
                }
                Assert.Equal(longest, actual[i]);
            }
        }, iter: 300);
    }

    private static VocabularyBytes Make(byte[][] tokens) => VocabularyBytes.Create(tokens.Length, id => tokens[id], _ => TokenClass.Text);

    private static int Table(byte[] a, byte[] b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                d[i, j] = i == 0 ? j : j == 0 ? i
                    : Math.Min(Math.Min(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            }
        }
        return d[a.Length, b.Length];
    }
}
