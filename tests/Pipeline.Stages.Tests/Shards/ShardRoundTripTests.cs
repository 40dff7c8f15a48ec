using CsCheck;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Shards;

namespace Pipeline.Stages.Tests.Shards;

public sealed class ShardRoundTripTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Any_examples_come_back_exactly()
        => Gen.Select(ExampleSamples.Any.Array[0, 20], Gen.Int[1, 7]).Sample((examples, blockRecords) =>
        {
            string path = _folder[Guid.NewGuid().ToString()];
            Write(path, examples, new ShardWriterOptions(BlockRecords: blockRecords));
            Example[] read = [.. ShardReader.Open(_storage, path).ReadAll()];
            File.Delete(path);
            return examples.Select(ExampleSamples.Print).SequenceEqual(read.Select(ExampleSamples.Print));
        }, iter: 500, threads: 1);

    [Fact]
    public void Any_examples_with_next_bytes_come_back_exactly()
        => Gen.Select(ExampleSamples.Any.Array[0, 12], Gen.Int[1, 7], Gen.Int).Sample((examples, blockRecords, seed) =>
        {
            // Some have none: a shard may be made of others'.
            examples = [.. examples.Select((e, i) => i % 4 == 3 ? e : ExampleSamples.WithNextBytes(e, seed + i))];
            string path = _folder[Guid.NewGuid().ToString()];
            Write(path, examples, new ShardWriterOptions(BlockRecords: blockRecords), NextBytesHeader());
            ShardReader reader = ShardReader.Open(_storage, path);
            Example[] read = [.. reader.ReadAll()];
            File.Delete(path);
            return reader.Version == ShardFormat.NextBytesVersion && examples.Select(ExampleSamples.Print).SequenceEqual(read.Select(ExampleSamples.Print));
        }, iter: 200, threads: 1);

    [Theory]
    [InlineData(ScorePrecision.Bits12)]
    [InlineData(ScorePrecision.Bits8)]
    public void Next_bytes_of_fewer_bits_come_back_rounded_in_fewer_bytes(ScorePrecision precision)
    {
        Example[] examples = [.. Enumerable.Range(0, 50).Select(i => ExampleSamples.WithNextBytes(ExampleSamples.Realistic(i), i))];
        Write(_folder["16"], examples, new ShardWriterOptions(), NextBytesHeader());
        Write(_folder["fewer"], examples, new ShardWriterOptions(NextBytes: precision), NextBytesHeader());
        ShardReader fewer = ShardReader.Open(_storage, _folder["fewer"]);
        float[] Round(float[] numbers) => Array.ConvertAll(numbers, n => float.IsPositiveInfinity(n) ? n : (float)ScoreRounding.Round(n, precision));
        Assert.Equal(
            examples.Select(e => ExampleSamples.Print(e with
            {
                Teacher = e.Teacher! with
                {
                    Bytes = e.Teacher.Bytes! with
                    {
                        NegLogProbabilities = Round(e.Teacher.Bytes.NegLogProbabilities),
                        NegLogEnd = Round(e.Teacher.Bytes.NegLogEnd),
                        NegLogRest = Round(e.Teacher.Bytes.NegLogRest),
                    },
                },
            })),
            fewer.ReadAll().Select(ExampleSamples.Print));
        Assert.True(fewer.Footer.Totals[ShardPart.NextBytes].Stored < ShardReader.Open(_storage, _folder["16"]).Footer.Totals[ShardPart.NextBytes].Stored);
        Assert.Equal(fewer.Footer.Blocks.Sum(b => (long)b.Length), fewer.Footer.Totals.Parts.Sum(p => p.Stored));
    }

    [Fact]
    public void Next_bytes_are_not_dropped_by_a_shard_that_says_it_has_none()
    {
        using ShardWriter writer = new(_storage, _folder["s"], Header(), new());
        Assert.Throws<InvalidOperationException>(() => writer.Add(ExampleSamples.WithNextBytes(ExampleSamples.Realistic(1), 1)));
    }

    [Fact]
    public void Examples_of_a_run_come_back_exactly_and_their_sums_are_right()
    {
        Example[] examples = [.. Enumerable.Range(0, 300).Select(i => ExampleSamples.Realistic(i, bytesStudent: i % 2 == 0, hiddenWidth: i % 3 == 0 ? 8 : 0))];
        ShardEntry entry = Write(_folder["shard"], examples, new ShardWriterOptions(BlockRecords: 64));
        ShardReader reader = ShardReader.Open(_storage, _folder["shard"]);
        reader.Verify();
        Assert.Equal(entry, reader.Entry);
        Assert.Equal(examples.Select(ExampleSamples.Print), reader.ReadAll().Select(ExampleSamples.Print));
        Assert.Equal(ExampleSamples.Print(examples[130]), ExampleSamples.Print(reader.ReadBlock(2)[2]));
        ShardTotals totals = reader.Footer.Totals;
        Assert.Equal(300, totals.Records);
        Assert.Equal(examples.Sum(e => e.Teacher!.Tokens.Count), totals.TeacherTokens);
        Assert.Equal(examples.Sum(e => e.Student.Count), totals.StudentTokens);
        Assert.Equal(examples.Sum(e => e.Chunks.Length), totals.Chunks);
        Assert.Equal(4 * totals.TeacherTokens, totals[ShardPart.Scores].Raw);
        Assert.Equal(reader.Footer.Blocks.Sum(b => (long)b.Length), totals.Parts.Sum(p => p.Stored));
    }

    [Theory]
    [InlineData(ScorePrecision.Bits12)]
    [InlineData(ScorePrecision.Bits8)]
    public void Scores_of_fewer_bits_come_back_rounded_in_fewer_bytes_and_nothing_else_changes(ScorePrecision precision)
    {
        Example[] examples = [.. Enumerable.Range(0, 200).Select(i => ExampleSamples.Realistic(i))];
        Write(_folder["16"], examples, new ShardWriterOptions());
        Write(_folder["fewer"], examples, new ShardWriterOptions(Scores: precision));
        ShardReader fewer = ShardReader.Open(_storage, _folder["fewer"]);
        float[] Round(float[] scores) => Array.ConvertAll(scores, s => (float)ScoreRounding.Round(s, precision));
        Assert.Equal(
            examples.Select(e => ExampleSamples.Print(e with
            {
                Teacher = e.Teacher! with { Scores = new TeacherScores(Round(e.Teacher.Scores.NegLogLikelihood), Round(e.Teacher.Scores.NegLogBoundary!)) },
            })),
            fewer.ReadAll().Select(ExampleSamples.Print));
        PartBytes before = ShardReader.Open(_storage, _folder["16"]).Footer.Totals[ShardPart.Scores], after = fewer.Footer.Totals[ShardPart.Scores];
        Assert.True(after.Stored < before.Stored);
        int bits = precision == ScorePrecision.Bits12 ? 12 : 8;
        Assert.InRange(after.Stored, 1, before.Raw * (bits + 0.5) / 16);
    }

    [Fact]
    public void Shards_without_their_text_take_at_most_ten_bytes_per_teacher_token()
    {
        foreach (bool bytesStudent in new[] { true, false })
        {
            Write(_folder[$"{bytesStudent}"], [.. Enumerable.Range(0, 512).Select(i => ExampleSamples.Realistic(i, bytesStudent))], new());
            ShardReader reader = ShardReader.Open(_storage, _folder[$"{bytesStudent}"]);
            long stored = reader.Bytes - reader.Footer.Totals[ShardPart.Text].Stored;
            Assert.InRange((double)stored / reader.Footer.Totals.TeacherTokens, 2, 10);
        }
    }

    [Fact]
    public void The_same_records_are_the_same_bytes()
    {
        Example[] examples = [.. Enumerable.Range(0, 100).Select(i => ExampleSamples.Realistic(i))];
        Write(_folder["a"], examples, new());
        Write(_folder["b"], examples, new());
        Assert.Equal(File.ReadAllBytes(_folder["a"]), File.ReadAllBytes(_folder["b"]));
    }

    [Fact]
    public void A_shard_of_no_records_is_a_shard()
    {
        Write(_folder["empty"], [], new());
        ShardReader reader = ShardReader.Open(_storage, _folder["empty"]);
        reader.Verify();
        Assert.Empty(reader.ReadAll());
    }

    [Fact]
    public void A_writer_that_is_given_up_leaves_nothing()
    {
        using (ShardWriter writer = new(_storage, _folder["s"], Header(), new()))
            writer.Add(ExampleSamples.Realistic(1));
        Assert.Empty(_storage.List(_folder.Path));
    }

    [Fact]
    public void An_example_that_contradicts_itself_is_not_written()
    {
        Example good = ExampleSamples.Realistic(1);
        TeacherView teacher = good.Teacher!;
        Example[] bad =
        [
            good with { Text = "a lone \uD800 surrogate" },
            good with { Student = good.Student with { ByteEnds = [1] } },
            good with { Student = good.Student with { ByteEnds = [.. good.Student.ByteEnds.Select(e => e - 1)] } },
            good with { Teacher = teacher with { Scores = teacher.Scores with { NegLogBoundary = [] } } },
            good with { Chunks = [good.Chunks[1], good.Chunks[0]] },
            good with { Chunks = [new Chunk(0, teacher.Tokens.Count + 1, 0, 1)] },
            good with { Teacher = null },
            good with { Teacher = teacher with { Hidden = new TeacherHidden([1], 4, new Half[3]) } },
        ];
        using ShardWriter writer = new(_storage, _folder["s"], Header(), new());
        foreach (Example example in bad)
            Assert.Throws<InvalidOperationException>(() => writer.Add(example));
    }

    [Fact]
    public void Another_version_is_refused_by_number()
    {
        Write(_folder["s"], [ExampleSamples.Realistic(1)], new());
        byte[] bytes = File.ReadAllBytes(_folder["s"]);
        bytes[8] = ShardFormat.LastVersion + 1;
        int headerLength = BitConverter.ToInt32(bytes, 12);
        BitConverter.TryWriteBytes(bytes.AsSpan(16), ShardBytes.HeaderHash(bytes.AsSpan(0, 24 + headerLength)));
        File.WriteAllBytes(_folder["s"], bytes);
        InputException e = Assert.Throws<InputException>(() => ShardReader.Open(_storage, _folder["s"]));
        Assert.Contains($"version {ShardFormat.LastVersion + 1}, this program reads versions 1 to {ShardFormat.LastVersion}", e.Message, StringComparison.Ordinal);
    }

    private static ShardHeader Header() => new(ShardFingerprint.Of(new Dictionary<string, string> { ["teacher weights"] = "w" }), 0, 1);

    private static ShardHeader NextBytesHeader() => new(ShardFingerprint.Of(new Dictionary<string, string> { [FingerprintPart.TeacherNextBytes] = "trunk" }), 0, 1);

    private ShardEntry Write(string path, Example[] examples, ShardWriterOptions options, ShardHeader? header = null)
    {
        using var writer = new ShardWriter(_storage, path, header ?? Header(), options);
        foreach (Example example in examples)
            writer.Add(example);
        return writer.Commit();
    }
}
