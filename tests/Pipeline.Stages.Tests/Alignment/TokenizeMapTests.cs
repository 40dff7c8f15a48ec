using System.Text;
using System.Text.Json;

using CsCheck;

using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;

using Pipeline.Stages.Tokenization.Tokens;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Alignment;

public sealed class TokenizeMapTests(ITestOutputHelper output) : IDisposable
{
    private static readonly DocumentId Id = new(7, 3, 0);

    private readonly ToyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_short_document_is_one_pair_with_each_sides_marks_around_it()
    {
        AlignedPair pair = Assert.Single(Map(new TokenizeOptions(), "Anna has 12 apples."));
        Assert.Equal((Id, "Anna has 12 apples."), (pair.Id, pair.Text));
        foreach (TokenSequence side in new[] { pair.Teacher, pair.Student })
        {
            side.Validate();
            Assert.Equal(UnitLabels.Bos, side.Unit(0));
            Assert.Equal(UnitLabels.Eos, side.Unit(side.Count - 1));
            Assert.Equal(19, side.ByteEnds[^1]);
            Assert.Null(side.LossMask);
        }
        Chunk[] chunks = Align(pair);
        Assert.Equal(new Chunk(0, 1, 0, 1), chunks[0]);
        Assert.Equal((pair.Teacher.Count, pair.Student.Count), (chunks[^1].TeacherEnd, chunks[^1].StudentEnd));
    }

    [Fact]
    public void Marks_are_left_out_when_not_asked_for()
    {
        AlignedPair pair = Assert.Single(Map(new TokenizeOptions { AddBos = false, AddEos = false }, "Anna"));
        Assert.All(Enumerable.Range(0, pair.Teacher.Count), i => Assert.Equal(UnitLabels.Text, pair.Teacher.Unit(i)));
        Assert.All(Enumerable.Range(0, pair.Student.Count), i => Assert.Equal(UnitLabels.Text, pair.Student.Unit(i)));
    }

    [Fact]
    public void Text_is_made_well_formed_and_NFC_once()
        => Assert.Equal("caf\u00e9 \ufffd", Assert.Single(Map(new TokenizeOptions(), "cafe\u0301 \ud800")).Text);

    [Fact]
    public void An_empty_document_is_rejected()
        => Assert.Equal("text is empty", Assert.Throws<RejectedException>(() => Map(new TokenizeOptions(), string.Empty)).Reason);

    [Fact]
    public void A_document_whose_bytes_a_tokenizer_changes_is_rejected()
    {
        RejectedException rejected = Assert.Throws<RejectedException>(() => Map(new TokenizeOptions(), "a ▁ b"));
        Assert.Equal((Id, "byte views differ from the text"), (rejected.Id, rejected.Reason));
    }

    [Fact]
    public void A_long_document_is_split_into_parts_that_hold_all_of_it()
    {
        string text = string.Concat(Enumerable.Range(0, 200).Select(i => $"Anna has {i} apples and buys {7 * i} more. "));
        IReadOnlyList<AlignedPair> parts = Map(new TokenizeOptions { MaxTeacherTokens = 64, MaxStudentTokens = 80 }, text);
        Assert.True(parts.Count > 20);
        Assert.Equal(text, string.Concat(parts.Select(p => p.Text)));
        Assert.Equal(Enumerable.Range(1, parts.Count), parts.Select(p => p.Id.Part));
        Assert.All(parts, p => Assert.True(p.Teacher.Count <= 64 && p.Student.Count <= 80));
        Assert.All(parts.Skip(1), p => Assert.StartsWith(" ", p.Text, StringComparison.Ordinal));
        Assert.Equal((1, parts.Count), (_run.Counts["splitDocuments"], _run.Counts["parts"]));
        foreach (AlignedPair part in parts)
        {
            AlignedPair alone = Assert.Single(Map(new TokenizeOptions { MaxTeacherTokens = 64, MaxStudentTokens = 80 }, part.Text));
            // The document ends where its last part does, and nowhere else.
            int ends = part == parts[^1] ? 0 : 1;
            Assert.Equal(alone.Teacher.Ids[..^ends], part.Teacher.Ids);
            Assert.Equal(alone.Student.Ids[..^ends], part.Student.Ids);
        }
    }

    [Fact]
    public void A_long_document_is_cut_and_what_is_lost_is_counted()
    {
        string text = string.Concat(Enumerable.Repeat("Anna has 12 apples. ", 100));
        AlignedPair kept = Assert.Single(Map(new TokenizeOptions { MaxTeacherTokens = 32, LongDocuments = LongDocuments.Cut }, text));
        Assert.StartsWith(kept.Text, text, StringComparison.Ordinal);
        Assert.Equal(0, kept.Id.Part);
        Assert.Equal((1, text.Length - kept.Text.Length), (_run.Counts["cutDocuments"], _run.Counts["cutBytes"]));
        Assert.False(_run.Counts.ContainsKey("splitDocuments"));
    }

    [Fact]
    public void A_long_document_is_rejected_when_so_asked()
    {
        RejectedException rejected = Assert.Throws<RejectedException>(()
            => Map(new TokenizeOptions { MaxTeacherTokens = 16, LongDocuments = LongDocuments.Reject }, string.Concat(Enumerable.Repeat("Anna has 12 apples. ", 10))));
        Assert.Equal("longer than the limit", rejected.Reason);
        Assert.Contains("where 16 and 64 are allowed", rejected.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_of_any_text_hold_all_of_it_within_the_limits()
        => Gen.Select(Gen.OneOf(Gen.Char, Gen.Char['a', 'z'], Gen.Const(' '), Gen.OneOf('é', '\u0301', '東', '\ud83d', '\ude00', '\n')).Array[0, 300], Gen.Int[16, 60]).Sample(
            (characters, limit) =>
            {
                string text = WellFormedText.Normalize(new string(characters).Replace('▁', '_'));
                if (text.Length == 0)
                    return;
                IReadOnlyList<AlignedPair> parts = Map(new TokenizeOptions { MaxTeacherTokens = limit, MaxStudentTokens = limit + 4 }, text);
                Assert.Equal(text, string.Concat(parts.Select(p => p.Text)));
                foreach (AlignedPair part in parts)
                {
                    Assert.True(part.Teacher.Count <= limit && part.Student.Count <= limit + 4);
                    Chunk[] chunks = Align(part);
                    Assert.Equal((part.Teacher.Count, part.Student.Count), (chunks[^1].TeacherEnd, chunks[^1].StudentEnd));
                }
            },
            iter: 300);

    [Fact]
    public void A_word_of_a_megabyte_is_split_like_any_other_text()
    {
        string text = new('x', 1_000_000);
        IReadOnlyList<AlignedPair> parts = Map(new TokenizeOptions { MaxTeacherTokens = 512, MaxStudentTokens = 512 }, text);
        Assert.Equal(text.Length, parts.Sum(p => p.Text.Length));
        Assert.InRange(parts.Count, 1_000_000 / 512, 4000);
    }

    [Fact]
    public void The_loss_counts_behind_the_marker_on_both_sides()
    {
        AlignedPair pair = Assert.Single(Map(new TokenizeOptions { LossOn = LossOn.Marker, LossMarker = "The answer is" }, "So: 12 + 30. The answer is 42."));
        int from = "So: 12 + 30. The answer is".Length;
        foreach (TokenSequence side in new[] { pair.Teacher, pair.Student })
        {
            for (int i = 0; i < side.Count; i++)
            {
                bool expected = side.Unit(i) == UnitLabels.Eos || (side.Unit(i) == UnitLabels.Text && side.ByteEnds[i - 1] >= from);
                Assert.Equal(expected, side.Counts(i));
            }
            Assert.Equal(" 42.".Length, Enumerable.Range(0, side.Count).Where(i => side.Counts(i)).Sum(i => side.ByteEnds[i] - side.ByteEnds[i - 1]));
        }
    }

    [Fact]
    public void Parts_before_the_marker_are_left_out_and_counted()
    {
        string text = string.Concat(Enumerable.Repeat("Anna has 12 apples. ", 40)) + "#### 42";
        IReadOnlyList<AlignedPair> parts = Map(new TokenizeOptions { MaxTeacherTokens = 64, LossOn = LossOn.Marker, LossMarker = "####" }, text);
        AlignedPair last = Assert.Single(parts);
        Assert.EndsWith("#### 42", last.Text, StringComparison.Ordinal);
        Assert.Equal(_run.Counts["parts"] - 1, _run.Counts["partsWithoutLoss"]);
        Assert.Equal((int)_run.Counts["parts"], last.Id.Part);
    }

    [Fact]
    public void Text_without_the_marker_is_rejected()
        => Assert.Equal("no loss marker", Assert.Throws<RejectedException>(() => Map(new TokenizeOptions { LossOn = LossOn.Marker, LossMarker = "####" }, "no such thing")).Reason);

    [Fact]
    public void A_marker_without_lossOn_is_refused()
        => Assert.Throws<DefinitionException>(() => Made.Tokenize(new TokenizeOptions { LossMarker = "####" }, _run.Context()));

    [Fact]
    public void Bytes_keep_the_special_tokens_of_the_models_own_tokenizer()
    {
        TextTokenizer bytes = SideTokenizers.Student(RunSite.Of(_run.Context("bytes")));
        Assert.Equal(("<|begin|>", "<|end|>"), (bytes.TokenOf(bytes.BosId!.Value), bytes.TokenOf(bytes.EosId!.Value)));
        Assert.Equal(256 + 5, bytes.VocabularySize);
        AlignedPair pair = Assert.Single(Made.Tokenize(new TokenizeOptions(), _run.Context("bytes")).Map(new TextDocument(Id, "Anna é")));
        Assert.Equal([bytes.BosId.Value, .. "Anna é"u8.ToArray().Select(b => (int)b), bytes.EosId.Value], pair.Student.Ids);
        Assert.Equal(pair.Teacher.Count, Align(pair).Sum(c => c.TeacherEnd - c.TeacherStart));
    }

    [Fact]
    public void Run_paths_name_a_tokenizer_of_the_run()
        => Assert.Equal(ToyTokenizer.Load(_run.Student).Fingerprint, SideTokenizers.Student(RunSite.Of(_run.Context("run:student"))).Fingerprint);

    [Fact]
    public void A_run_without_a_teacher_is_told_to_use_stages_that_need_none()
    {
        StageContext context = _run.Context(new RunDefinition { Name = "x", Student = new StudentDefinition { Config = "c.json" }, Flows = [] });
        Assert.Contains("tokenize-student", Assert.Throws<DefinitionException>(() => SideTokenizers.Teacher(RunSite.Of(context))).Message, StringComparison.Ordinal);
        Assert.Throws<DefinitionException>(() => SideTokenizers.Student(RunSite.Of(context)));
    }

    [Fact]
    public void The_fingerprint_names_tokenizers_templates_and_limits()
    {
        IReadOnlyDictionary<string, string> one = Made.Tokenize(new TokenizeOptions(), _run.Context()).Fingerprint;
        IReadOnlyDictionary<string, string> two = Made.Tokenize(new TokenizeOptions { MaxTeacherTokens = 64 }, _run.Context()).Fingerprint;
        Assert.Equal(["limits", "student tokenizer", "teacher tokenizer", "templates"], one.Keys.Order());
        Assert.NotEqual(one["limits"], two["limits"]);
        Assert.Equal(one["teacher tokenizer"], two["teacher tokenizer"]);
        Assert.NotEqual(one["teacher tokenizer"], one["student tokenizer"]);
    }

    [Fact]
    public void The_student_alone_makes_examples_without_a_teacher()
    {
        string text = string.Concat(Enumerable.Repeat("Anna has 12 apples. ", 40));
        TokenizeStudentMap stage = Made.TokenizeStudent(new TokenizeStudentOptions { MaxStudentTokens = 50 }, _run.Context());
        IReadOnlyList<Example> examples = stage.Map(new TextDocument(Id, text));
        Assert.Equal(text, string.Concat(examples.Select(e => e.Text)));
        Assert.All(examples, e => Assert.True(e.Student.Count <= 50 && e.Teacher is null && e.Chunks.Length == 0));
        Assert.DoesNotContain("teacher tokenizer", stage.Fingerprint.Keys);
    }

    [Fact]
    public void Tokenizing_aligns_and_align_hands_on_what_it_is_given()
    {
        AlignedPair pair = Assert.Single(Map(new TokenizeOptions(), "Anna has 12 apples."));
        Assert.Equal(Align(pair), pair.Chunks);
        Assert.Equal(pair.Chunks.Length, _run.Counts["chunks"]);
        Assert.Same(pair, Assert.Single(Made.Align(_run.Context()).Map(pair)));
    }

    /// <summary>A long document is cut where chunks end, and is not aligned for it: the aligner is the twin of that walk.</summary>
    [Fact]
    public void The_places_to_cut_are_the_ends_of_chunks()
        => Gen.Select(Gen.Int[0, 3].Array[0, 40], Gen.Int[0, 3].Array[0, 40], Gen.Bool.Array[4]).Sample((a, b, marks) =>
        {
            TokenSequence first = Side(a, marks[0], marks[1]), last = Side(b, marks[2], marks[3]);
            int bytes = Math.Min(first.ByteEnds.LastOrDefault(), last.ByteEnds.LastOrDefault());
            SharedEnd[] ends = [.. LongDocumentCutter.SharedEnds(first, last).Where(e => e.Byte < bytes)];
            Chunk[] chunks = [.. ChunkAligner.Align(first, last).Where(c => first.Unit(c.TeacherStart) == UnitLabels.Text && first.ByteEnds[c.TeacherEnd - 1] < bytes)];
            Assert.Equal(chunks.Select(c => new SharedEnd(c.TeacherEnd, c.StudentEnd, first.ByteEnds[c.TeacherEnd - 1])), ends);
        });

    /// <summary>Tokens of so many bytes, with bos in front and eos behind where asked for.</summary>
    private static TokenSequence Side(int[] lengths, bool bos, bool eos)
    {
        int end = 0;
        int[] ends = [.. lengths.Select(n => end += n)];
        ends = [.. bos ? [0] : Array.Empty<int>(), .. ends, .. eos ? [end] : Array.Empty<int>()];
        var units = new ushort[ends.Length];
        if (bos)
            units[0] = UnitLabels.Bos;
        if (eos)
            units[^1] = UnitLabels.Eos;
        return new TokenSequence(new int[ends.Length], ends, bos || eos ? units : null);
    }

    [Fact]
    public void Real_pairs_cover_every_byte_or_say_why_not()
    {
        if (SharedFolder.Path is not { } shared)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        TokenizerStore store = new(new DiskStorage());
        string[] texts = [.. File.ReadLines(Path.Combine(shared, "tokenizers", "gpt2", "ids.jsonl")).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("text").GetString()!)];
        foreach ((string teacher, string student) in new[] { ("llama3", "qwen2_5"), ("gpt2", "mistral_v03"), ("qwen2_5", "bytelevel") })
        {
            TokenizationRule rule = TokenizationRule.Of(new TokenizeOptions { MaxTeacherTokens = 100_000 });
            DocumentTokenizer<AlignedPair> tokenizer = new([store.Get(Path.Combine(shared, "tokenizers", teacher)), store.Get(Path.Combine(shared, "tokenizers", student))], rule, (id, text, sides) => new(id, text, sides[0], sides[1], ChunkAligner.Align(sides[0], sides[1])), _run);
            int rejected = 0, covered = 0;
            foreach (string text in texts)
            {
                try
                {
                    AlignedPair part = Assert.Single(tokenizer.Tokenize(Id, text));
                    Chunk[] chunks = [.. part.Chunks.Where(c => part.Teacher.Unit(c.TeacherStart) == UnitLabels.Text)];
                    Assert.Equal(Encoding.UTF8.GetByteCount(part.Text), part.Teacher.ByteEnds[chunks[^1].TeacherEnd - 1]);
                    Assert.Equal(part.Teacher.Units?.Count(u => u == 0) ?? part.Teacher.Count, chunks.Sum(c => c.TeacherEnd - c.TeacherStart));
                    covered++;
                }
                catch (RejectedException e)
                {
                    Assert.True(e.Reason is "text is empty" or "byte views differ from the text", e.Reason);
                    rejected++;
                }
            }
            output.WriteLine($"{teacher} to {student}: {covered} covered, {rejected} rejected");
            Assert.True(covered > 50 * rejected);
        }
    }

    private static Chunk[] Align(AlignedPair pair) => ChunkAligner.Align(pair.Teacher, pair.Student);

    private IReadOnlyList<AlignedPair> Map(TokenizeOptions options, string text)
        => Made.Tokenize(options, _run.Context()).Map(new TextDocument(Id, text));
}
