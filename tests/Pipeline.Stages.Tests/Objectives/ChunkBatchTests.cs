using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Objectives;

namespace Pipeline.Stages.Tests.Objectives;

public sealed class ChunkBatchTests
{
    [Theory]
    [InlineData(nameof(ChunkKind.Every), null)]
    [InlineData(nameof(ChunkKind.Every), 0.1)]
    [InlineData(nameof(ChunkKind.Every), 0.5)]
    [InlineData(nameof(ChunkKind.AtSpaces), null)]
    [InlineData(nameof(ChunkKind.AtSpaces), 0.3)]
    [InlineData(nameof(ChunkKind.Unbiased), 0.2)]
    public void The_index_lists_are_those_of_a_slow_twin(string kindName, double? gamma)
    {
        ChunkKind kind = Enum.Parse<ChunkKind>(kindName);
        var random = new Random(11);
        TokenPairBias bias = RandomBias(random);
        int merged = 0, chunks = 0, excluded = 0;
        for (int trial = 0; trial < 200; trial++)
        {
            Example[] examples = [.. Enumerable.Range(0, 3).Select(_ => RandomExamples.Make(random, random.Next(2) == 0, random.Next(2) == 0, random.Next(2) == 0))];
            int length = examples.Max(e => e.Student.Count) + random.Next(3);
            var rules = new ChunkRules(kind, gamma, random.Next(4) == 0 ? ChunkUse.HiddenState : ChunkUse.Likelihood, bias, 0.3);
            ChunkBatch batch = ChunkBatch.From(examples, length, rules);

            List<Twin> twins = [.. examples.SelectMany((e, row) => Slow(e, row, rules))];
            Assert.Equal(twins.Count, batch.Count);
            var chunkOf = new int[examples.Length * length];
            Array.Fill(chunkOf, -1);
            for (int c = 0; c < twins.Count; c++)
            {
                Twin twin = twins[c];
                foreach (int s in twin.Student)
                    chunkOf[twin.Row * length + s] = c;
                Assert.Equal(twin.Row, batch.RowOf[c]);
                Assert.Equal(twin.Row * length + twin.Student[^1], batch.LastPosition[c]);
                Assert.Equal(twin.Teacher[^1], batch.TeacherLast[c]);
                Assert.Equal(twin.Teacher.Count, batch.TeacherTokens[c]);
                Assert.Equal(twin.Source, batch.Source[c]);
                TeacherScores scores = examples[twin.Row].Teacher!.Scores;
                Assert.Equal(-twin.Teacher.Sum(i => (double)scores.NegLogLikelihood[i]), batch.TeacherLogLikelihood[c], 1e-4);
                Assert.Equal(-scores.NegLogBoundary![twin.Teacher[^1]], batch.TeacherLogBoundary[c], 1e-6);
            }
            Assert.Equal(chunkOf, batch.ChunkOfPosition);
            chunks += batch.Count;
            merged += twins.Count(t => t.Merged);
            excluded += batch.Excluded;
        }
        Assert.True(chunks > 500 && excluded > 50, $"{chunks} chunks, {excluded} excluded");
        Assert.True((merged > 50) == (gamma is not null), $"{merged} merged");
    }

    [Fact]
    public void A_chunk_cut_by_a_loss_mask_does_not_count()
    {
        // As in the golden case 2: the teacher's second token counts in the loss mask, and the student's only token does not.
        Example example = Plain([0, 1, 2, 3], [0, 1, 3], [new(1, 2, 1, 2), new(2, 4, 2, 3)], teacherMask: [false, true, true, false]);
        ChunkBatch batch = ChunkBatch.From([example], 3, new ChunkRules(Gamma: null));
        Assert.Equal([-1, 0, -1], batch.ChunkOfPosition);
        Assert.Equal(1, batch.Excluded);
    }

    [Fact]
    public void The_unscored_first_token_and_the_beginning_mark_are_in_no_chunk()
    {
        Example withoutBos = Plain([1, 2], [1, 2], [new(0, 1, 0, 1), new(1, 2, 1, 2)]);
        Assert.Equal([-1, 0], ChunkBatch.From([withoutBos], 2, new ChunkRules(Gamma: null)).ChunkOfPosition);
        Example oneSided = Plain([0, 1, 2], [1, 2], [new(1, 2, 0, 1), new(2, 3, 1, 2)], teacherUnits: [UnitLabels.Bos, 0, 0]);
        Assert.Equal([-1, 0], ChunkBatch.From([oneSided], 2, new ChunkRules(Gamma: null)).ChunkOfPosition);
    }

    [Fact]
    public void A_merge_stops_at_a_gap()
    {
        Example example = Plain([0, 1, 2, 3], [0, 1, 2, 2, 3], [new(1, 2, 1, 2), new(2, 3, 2, 3), new(3, 4, 4, 5)]);
        ChunkBatch batch = ChunkBatch.From([example], 5, new ChunkRules(Gamma: 0.99));
        Assert.Equal([-1, 0, 0, -1, 1], batch.ChunkOfPosition);
    }

    [Fact]
    public void Text_without_a_teacher_has_no_chunks()
    {
        Example example = Plain([0, 1], [0, 1], []) with { Teacher = null };
        Assert.Equal(0, ChunkBatch.From([example], 4, new ChunkRules()).Count);
    }

    [Fact]
    public void Scores_that_are_not_finite_are_refused_by_document()
    {
        Example example = Plain([0, 1], [0, 1], [new(1, 2, 1, 2)]);
        example.Teacher!.Scores.NegLogLikelihood[1] = float.NaN;
        var refused = Assert.Throws<InputException>(() => ChunkBatch.From([example], 2, new ChunkRules()));
        Assert.Contains(example.Id.ToString(), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Blocks_hold_neighbouring_chunks_of_one_row()
    {
        Example a = Plain([0, 1, 2, 3], [0, 1, 2, 3], [new(1, 2, 1, 2), new(2, 3, 2, 3), new(3, 4, 3, 4)]);
        ChunkBatch batch = ChunkBatch.From([a, a], 4, new ChunkRules(Gamma: null));
        ChunkBlocks blocks = ChunkBlocks.Of(batch, 2);
        Assert.Equal([0, 0, 1, 2, 2, 3], blocks.BlockOfChunk);
        Assert.Equal([1, 2, 4, 5], blocks.LastChunk);
        Assert.Equal([2, 1, 2, 1], blocks.TeacherTokens);
        Assert.Equal(batch.TeacherLogLikelihood[0] + batch.TeacherLogLikelihood[1], blocks.TeacherLogLikelihood[0]);
    }

    internal static Example Plain(int[] teacherEnds, int[] studentEnds, Chunk[] chunks, bool[]? teacherMask = null, ushort[]? teacherUnits = null)
    {
        var teacher = new TokenSequence([.. teacherEnds.Select(_ => 1)], teacherEnds, teacherUnits, teacherMask);
        var scores = new TeacherScores([.. teacherEnds.Select((_, i) => (float)i)], [.. teacherEnds.Select((_, i) => i + 1f)]);
        bool[]? studentMask = teacherMask is null ? null : [.. studentEnds.Select((_, i) => i + 1 < studentEnds.Length)];
        return new Example(new DocumentId(7, 7, 0), "abc", new TokenSequence([.. studentEnds.Select(_ => 2)], studentEnds, null, studentMask), new TeacherView(teacher, scores), chunks);
    }

    private static TokenPairBias RandomBias(Random random)
    {
        var pairs = new SortedDictionary<(int, int), (float, float)>();
        for (int i = 0; i < 700; i++)
            pairs[(random.Next(45), random.Next(45))] = ((float)random.NextDouble(), (float)random.NextDouble());
        return new TokenPairBias(
            45, 45, [.. pairs.Keys.Select(k => k.Item1)], [.. pairs.Keys.Select(k => k.Item2)], [.. pairs.Values.Select(v => v.Item1)], [.. pairs.Values.Select(v => v.Item2)]);
    }

    // The obvious way: lists of token indices, joined chunk by chunk.
    private static List<Twin> Slow(Example example, int row, ChunkRules rules)
    {
        TeacherView teacher = example.Teacher!;
        byte[] text = Encoding.UTF8.GetBytes(example.Text);
        var joined = new List<Twin>();
        bool open = false;
        for (int i = 0; i < example.Chunks.Length; i++)
        {
            Chunk chunk = example.Chunks[i];
            List<int> t = [.. Enumerable.Range(chunk.TeacherStart, chunk.TeacherEnd - chunk.TeacherStart)];
            List<int> s = [.. Enumerable.Range(chunk.StudentStart, chunk.StudentEnd - chunk.StudentStart)];
            bool text1 = teacher.Tokens.Unit(t[0]) == 0 && example.Student.Unit(s[0]) == 0;
            if (open && text1 && joined[^1].Teacher[^1] + 1 == t[0] && joined[^1].Student[^1] + 1 == s[0])
            {
                joined[^1].Teacher.AddRange(t);
                joined[^1].Student.AddRange(s);
                joined[^1] = joined[^1] with { Source = i };
            }
            else
            {
                joined.Add(new Twin(row, t, s, i, false));
            }
            int end = teacher.Tokens.ByteEnds[t[^1]];
            open = rules.Kind switch
            {
                ChunkKind.Every => false,
                ChunkKind.AtSpaces => text1 && end < text.Length && text[end] != ' ',
                _ => text1 && Biased(rules, teacher.Tokens.Ids[t[^1]], example.Student.Ids[s[^1]]),
            };
        }
        bool Counts(Twin chunk) => rules.Use == ChunkUse.HiddenState || (chunk.Teacher[0] > 0 && chunk.Student[0] > 0
            && teacher.Tokens.Unit(chunk.Teacher[0]) != UnitLabels.Bos && chunk.Teacher.All(teacher.Tokens.Counts) && chunk.Student.All(example.Student.Counts));
        var result = new List<Twin>();
        foreach (Twin chunk in joined.Where(Counts))
        {
            bool follows = result.Count > 0 && result[^1].Teacher[^1] + 1 == chunk.Teacher[0] && result[^1].Student[^1] + 1 == chunk.Student[0];
            if (follows && rules.Gamma is { } gamma && Math.Exp(-teacher.Scores.NegLogBoundary![result[^1].Teacher[^1]]) <= gamma)
                result[^1] = new Twin(row, [.. result[^1].Teacher, .. chunk.Teacher], [.. result[^1].Student, .. chunk.Student], chunk.Source, true);
            else
                result.Add(chunk);
        }
        return result;
    }

    private static bool Biased(ChunkRules rules, int teacherId, int studentId)
    {
        for (int i = 0; i < rules.Bias!.Teacher.Length; i++)
        {
            if (rules.Bias.Teacher[i] == teacherId && rules.Bias.Student[i] == studentId)
                return rules.Bias.TeacherOnly[i] > rules.BiasThreshold || rules.Bias.StudentOnly[i] > rules.BiasThreshold;
        }
        return false;
    }

    private sealed record Twin(int Row, List<int> Teacher, List<int> Student, int Source, bool Merged);
}
