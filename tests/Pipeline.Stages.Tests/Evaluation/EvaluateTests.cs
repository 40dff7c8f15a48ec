using System.Text;
using System.Text.Json;
using CsCheck;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Ranks;
using Pipeline.Stages.Tests.Ranks;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tests.Text;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Tests.Evaluation;

[Collection(TorchCollection.Name)]
public sealed class EvaluateTests : IDisposable
{
    private readonly StageHarness _run = new();
    private readonly TorchDevice _device = TestDevice.Create();

    public EvaluateTests()
    {
        _run.Add(_device);
        _run.Add(new TokenizerStore(_run.Storage));
        _run.Add<IRanks>(OneRank.Instance);
    }

    public void Dispose()
    {
        _device.Dispose();
        _run.Dispose();
    }

    [Fact]
    public async Task Models_and_ensembles_are_judged_on_the_same_windows_and_reported()
    {
        ByteModels.Save(_run.PathOf("a"), 3, _run.Storage);
        ByteModels.Save(_run.PathOf("b"), 4, _run.Storage);
        EvaluateOptions options = new()
        {
            Models = [new() { Model = "run:a" }, new() { Model = "run:b", Name = "other" }, new() { Name = "bare", Model = "run:a", Tokenizer = _run.PathOf("bare") }],
            Ensembles = [new() { Name = "both", Members = ["a", "other"] }],
            Gap = new() { Before = "a", After = "both", Teacher = "other" },
            WindowBytes = 24,
        };
        _run.Storage.CreateDirectory(_run.PathOf("bare"));
        ByteModels.Tokenizer(hasMarks: false).Save(_run.PathOf("bare"), _run.Storage);

        await Made.Evaluate(options, _run.Context()).RunAsync(Documents("A document of some words.", "Another, e\u0301 with a mark.", "third"), default);

        EvaluationReport report = EvaluationTable.FromJson(File.ReadAllBytes(_run.PathOf("report/judgement.json")));
        // e and a mark after it are one character of two bytes once the text is NFC.
        Assert.Equal((3, 25 + 24 + 5, 4), (report.Documents, report.Bytes, report.Windows));
        Assert.Equal(["a", "other", "bare", "both"], report.Models.Select(m => m.Name));
        Assert.Equal([54L, 54, 54, 54], report.Models.Select(m => m.Tokens));
        Assert.Equal([0L, 0, 4, 0], report.Models.Select(m => m.UnscoredBytes));
        Assert.All(report.Models, m => Assert.Equal(m.Bits / 54, m.BitsPerByte, 12));
        Assert.All(report.Models, m => Assert.InRange(m.BitsPerByte, 4, 20));
        Assert.InRange(report.Models[3].BitsPerByte, 0, Math.Max(report.Models[0].BitsPerByte, report.Models[1].BitsPerByte));
        Assert.Equal(BitsPerByte.GapClosed(report.Models[0].BitsPerByte, report.Models[3].BitsPerByte, report.Models[1].BitsPerByte), report.Gap!.Closed);
        Assert.Contains(_run.Said, line => line.StartsWith("other", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(9)]
    public async Task The_texts_kept_are_those_on_which_a_model_is_furthest_behind_the_teacher_cut_where_both_tokenizations_end(int? stride)
    {
        ByteModels.Save(_run.PathOf("t"), 3, _run.Storage);
        ByteModels.Save(_run.PathOf("s"), 4, _run.Storage);
        string[] texts = ["A document of some words.", "Another, e\u0301 with a mark.", "third", "and one more of them"];
        EvaluateOptions options = new() { Models = [new() { Name = "student", Model = "run:s" }, new() { Name = "teacher", Model = "run:t" }], WindowBytes = 24, Stride = stride, Differing = 3 };

        EvaluationReport report = await JudgeAsync(options, texts), all = await JudgeAsync(options with { Differing = 100 }, texts), none = await JudgeAsync(options with { Differing = 0 }, texts);

        Assert.Null(none.Differing);
        Assert.Equal(none.Models, report.Models);
        DifferingTexts differing = Assert.Single(report.Differing!), every = Assert.Single(all.Differing!);
        Assert.Equal(("teacher", "student"), (differing.Teacher, differing.Student));
        Assert.Equal(every.Texts.Take(3).Select(Name), differing.Texts.Select(Name));
        Assert.Equal(every.Texts.OrderByDescending(t => (t.StudentBits - t.TeacherBits) / t.Bytes).Select(Name), every.Texts.Select(Name));
        string whole = string.Concat(texts).Normalize();
        foreach (DifferingText text in every.Texts)
        {
            Assert.Contains(string.Concat(text.Chunks.Select(c => c.Text)), whole, StringComparison.Ordinal);
            Assert.Equal(text.Bytes, text.Chunks.Sum(c => c.Bytes));
            Assert.Equal(text.TeacherBits, text.Chunks.Sum(c => c.TeacherBits), 1e-3);
            Assert.Equal(text.StudentBits, text.Chunks.Sum(c => c.StudentBits), 1e-3);
            Assert.True(text.StudentBits > text.TeacherBits);
        }
        // Where every window is one on which the student is behind or ahead, each is in one of both lists.
        EvaluationReport turned = await JudgeAsync(options with { Differing = 100, Gap = new() { Before = "student", After = "teacher", Teacher = "student" } }, texts);
        Assert.Empty(turned.Differing!.SelectMany(d => d.Texts).Select(Name).Intersect(every.Texts.Select(Name)));
        Assert.Equal(report.Windows, turned.Differing!.Sum(d => d.Texts.Count) + every.Texts.Count);

        static string Name(DifferingText text) => $"{text.Document} {string.Concat(text.Chunks.Select(c => c.Text))}";
    }

    [Fact]
    public async Task With_a_stride_every_byte_is_judged_once_after_what_is_before_it()
    {
        ByteModels.Save(_run.PathOf("a"), 3, _run.Storage);
        const string Text = "A document of some words, e\u0301 with a mark among them and more besides.";
        async Task<EvaluationReport> Judge(int windowBytes, int? stride)
        {
            EvaluateOptions options = new() { Models = [new() { Model = "run:a" }], WindowBytes = windowBytes, Stride = stride, ExactBytes = true };
            await Made.Evaluate(options, _run.Context()).RunAsync(Documents(Text, "third"), default);
            return EvaluationTable.FromJson(File.ReadAllBytes(_run.PathOf("report/judgement.json")));
        }
        EvaluationReport whole = await Judge(200, null), strided = await Judge(200, 9), cut = await Judge(24, null), same = await Judge(24, 24), between = await Judge(24, 12);

        // A window that holds the document gives every piece all of what is before it: the sum is that of the whole.
        Assert.Equal((whole.Bytes, whole.Models[0].Tokens), (strided.Bytes, strided.Models[0].Tokens));
        Assert.True(strided.Windows > whole.Windows);
        Assert.Equal(whole.Models[0].Bits, strided.Models[0].Bits, 1e-3);
        Assert.Equal(whole.Models[0].Exact!.Bits, strided.Models[0].Exact!.Bits, 1e-3);
        Assert.Equal(cut.Models[0].Bits, same.Models[0].Bits);
        Assert.Equal(cut.Bytes, between.Bytes);
        Assert.NotEqual(cut.Models[0].Bits, between.Models[0].Bits, 1e-3);
        Assert.Equal(9, strided.Stride);
    }

    [Fact]
    public void Pieces_follow_each_other_and_have_as_many_before_them_as_fit()
        => Gen.String[Gen.Char[" abcdéあ\n"], 0, 120].Select(Gen.Int[4, 20], Gen.Int[0, 40]).Sample((text, stride, more) =>
        {
            List<WindowText> windows = WindowText.Cut(text, stride + more, stride);
            Assert.Equal(text, string.Concat(windows.Select(w => w.Judged)));
            string before = "";
            for (int i = 0; i < windows.Count; before += windows[i++].Judged)
            {
                Assert.EndsWith(windows[i].Before, before, StringComparison.Ordinal);
                Assert.InRange(Encoding.UTF8.GetByteCount(windows[i].Judged), 1, stride);
                Assert.True(Encoding.UTF8.GetByteCount(windows[i].Whole) <= stride + more);
                // One piece more would be too much.
                if (windows[i].Before.Length < before.Length)
                {
                    string longer = windows.Take(i).Select(w => w.Judged).Reverse().Aggregate("", (tail, piece) => tail.Length > windows[i].Before.Length ? tail : piece + tail);
                    Assert.True(Encoding.UTF8.GetByteCount(longer + windows[i].Judged) > stride + more);
                }
            }
        }, iter: 2000);

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Ranks_that_share_the_windows_report_the_same(int count)
    {
        ByteModels.Save(_run.PathOf("a"), 3, _run.Storage);
        ByteModels.Save(_run.PathOf("b"), 4, _run.Storage);
        EvaluateOptions options = new()
        {
            Models = [new() { Model = "run:b" }, new() { Model = "run:a" }],
            Ensembles = [new() { Name = "both", Members = ["a", "b"] }],
            Agreement = "a",
            ExactBytes = true,
            Gap = new() { Before = "both", After = "b", Teacher = "a" },
            WindowBytes = 16,
            BatchTokens = 40,
        };
        IAsyncEnumerable<TextDocument> Text() => Documents("A document of some words.", "Another, of many more words than the first one has.", "third");
        await Made.Evaluate(options with { To = "alone" }, _run.Context()).RunAsync(Text(), default);

        await ThreadRanks.RunAsync(count, async ranks =>
        {
            using TorchDevice own = TestDevice.Create();
            StageContext context = _run.Context();
            await Made.Evaluate(options with { To = "shared" }, context with { Services = new TinyRun.RankServices(context.Services, own, ranks) }).RunAsync(Text(), default);
        });

        Assert.Equal(File.ReadAllText(_run.PathOf("report/alone.json")), File.ReadAllText(_run.PathOf("report/shared.json")));
        Assert.NotEmpty(EvaluationTable.FromJson(File.ReadAllBytes(_run.PathOf("report/alone.json"))).Differing!.Single().Texts);
    }

    [Fact]
    public async Task Agreement_with_a_model_comes_on_top_of_what_is_reported_without_it()
    {
        ByteModels.Save(_run.PathOf("a"), 3, _run.Storage);
        ByteModels.Save(_run.PathOf("b"), 4, _run.Storage);
        _run.Storage.CreateDirectory(_run.PathOf("bare"));
        ByteModels.Tokenizer(hasMarks: false).Save(_run.PathOf("bare"), _run.Storage);
        EvaluateOptions options = new()
        {
            Models =
            [
                new() { Model = "run:b" }, new() { Name = "bare", Model = "run:a", Tokenizer = _run.PathOf("bare") }, new() { Model = "run:a" },
                new() { Name = "again", Model = "run:a" },
            ],
            Ensembles = [new() { Name = "twice", Members = ["a", "again"] }, new() { Name = "both", Members = ["a", "b"], Average = EnsembleAverage.LogProbability }],
            WindowBytes = 24,
        };
        async Task<EvaluationReport> JudgeAsync(EvaluateOptions asked)
        {
            await Made.Evaluate(asked, _run.Context()).RunAsync(Documents("A document of some words.", "Another, e\u0301 with a mark.", "third"), default);
            return EvaluationTable.FromJson(File.ReadAllBytes(_run.PathOf("report/judgement.json")));
        }

        EvaluationReport without = await JudgeAsync(options), with = await JudgeAsync(options with { Agreement = "a" });

        Assert.Equal(
            EvaluationTable.ToJson(without),
            EvaluationTable.ToJson(with with
            {
                Models = [.. with.Models.Select(m => m with { Agreement = null, AgreementOffsets = null })],
                AgreementWith = null,
                AgreementRule = null,
            }));
        Assert.Equal(["b", "bare", "a", "again", "twice", "both"], with.Models.Select(m => m.Name));
        // 54 bytes in four windows, whose first bytes a model without a mark in front does not predict.
        Assert.Equal([54L, 50, null, 54, 54, 54], with.Models.Select(m => m.AgreementOffsets));
        Assert.Equal((1.0, null, 1.0), (with.Models[3].Agreement, with.Models[2].Agreement, with.Models[4].Agreement));
        Assert.All([0, 1, 5], i => Assert.InRange(with.Models[i].Agreement!.Value, 0, 0.9));
        Assert.Contains(_run.Said, line => line.Contains("agrees with a  offsets", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Over_bytes_a_byte_model_costs_what_its_tokens_do_less_what_can_be_no_text()
    {
        ByteModels.Save(_run.PathOf("a"), 3, _run.Storage);
        ByteModels.Save(_run.PathOf("b"), 4, _run.Storage);
        _run.Storage.CreateDirectory(_run.PathOf("bare"));
        ByteModels.Tokenizer(hasMarks: false).Save(_run.PathOf("bare"), _run.Storage);
        EvaluateOptions options = new()
        {
            Models = [new() { Model = "run:a" }, new() { Model = "run:b" }, new() { Name = "bare", Model = "run:a", Tokenizer = _run.PathOf("bare") }],
            Ensembles = [new() { Name = "unlike", Members = ["a", "bare"] }, new() { Name = "like", Members = ["a", "b"] }],
            Gap = new() { Before = "b", After = "bare", Teacher = "a" },
            ExactBytes = true,
            WindowBytes = 24,
        };

        await Made.Evaluate(options, _run.Context()).RunAsync(Documents("A document of some words.", "Another, e\u0301 with a mark.", "third"), default);

        EvaluationReport report = EvaluationTable.FromJson(File.ReadAllBytes(_run.PathOf("report/judgement.json")));
        Assert.Equal(["a", "b", "bare", "unlike", "like"], report.Models.Select(m => m.Name));
        Assert.Equal("a", report.ExactWith);
        // Of a byte model only marks and bytes that no text has there are ruled out.
        Assert.All(report.Models.Take(3), m => Assert.InRange(m.Exact!.BitsPerByte, m.BitsPerByte - 1, m.BitsPerByte));
        Assert.Equal([0L, 0, 4, 4], report.Models.Take(4).Select(m => m.Exact!.UnscoredBytes));
        Assert.Equal([null, 54L, 50, 50], report.Models.Take(4).Select(m => m.Exact!.ComparedBytes));
        // A model without an end mark rules the end out wherever the text may end.
        Assert.Equal([0L, 49], [report.Models[1].Exact!.RuledOutBytes!.Value, report.Models[2].Exact!.RuledOutBytes!.Value]);
        Assert.Null(report.Models[4].Exact);
        Assert.Equal((54L, "bytes"), (report.Models[3].Tokens, report.Models[3].Tokenizer));
        Assert.Contains(_run.Said, line => line.Contains("gives probability 0 to what a does not", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Text_above_the_limit_is_left_and_the_report_says_so()
    {
        ByteModels.Save(_run.PathOf("a"), 3, _run.Storage);
        await Made.Evaluate(new() { Models = [new() { Model = "run:a" }], MaxBytes = 10, To = "small" }, _run.Context())
            .RunAsync(Documents("twelve bytes", "is not read"), default);
        EvaluationReport report = EvaluationTable.FromJson(File.ReadAllBytes(_run.PathOf("report/small.json")));
        Assert.Equal((1, 12, true), (report.Documents, report.Bytes, report.IsCut));
    }

    [Fact]
    public async Task A_stop_ends_the_judgement_without_a_report()
    {
        ByteModels.Save(_run.PathOf("a"), 3, _run.Storage);
        using var stop = new CancellationTokenSource();
        StageContext context = _run.Context() with { StopRequested = stop.Token };
        await stop.CancelAsync();
        await Assert.ThrowsAsync<InterruptedException>(() => Made.Evaluate(new() { Models = [new() { Model = "run:a" }] }, context).RunAsync(Documents("x"), default));
        Assert.False(File.Exists(_run.PathOf("report/judgement.json")));
    }

    [Fact]
    public async Task What_does_not_fit_together_is_said_before_a_model_is_loaded()
    {
        EvaluatedModel a = new() { Model = "run:a" };
        Assert.Contains("two models are named 'a'", await DefinitionErrorAsync(new() { Models = [a, a] }), StringComparison.Ordinal);
        Assert.Contains("has the members [a], expected two or more models", await DefinitionErrorAsync(new() { Models = [a], Ensembles = [new() { Name = "e", Members = ["a"] }] }), StringComparison.Ordinal);
        Assert.Contains(
            "'gap' names 'student', which is not one of 'a'",
            await DefinitionErrorAsync(new() { Models = [a], Gap = new() { Before = "a", After = "student", Teacher = "a" } }),
            StringComparison.Ordinal);
        string agreement = await DefinitionErrorAsync(
            new() { Models = [a, new() { Model = "run:b" }], Ensembles = [new() { Name = "e", Members = ["a", "b"] }], Agreement = "e" });
        Assert.Contains("'agreement' names 'e', which is not one of 'a', 'b'", agreement, StringComparison.Ordinal);
        Assert.Contains("the definition has none", await DefinitionErrorAsync(new() { Models = [new() { Model = "teacher" }] }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_text_is_an_input_error()
    {
        ByteModels.Save(_run.PathOf("a"), 3, _run.Storage);
        await Assert.ThrowsAsync<InputException>(() => Made.Evaluate(new() { Models = [new() { Model = "run:a" }] }, _run.Context()).RunAsync(Documents(), default));
    }

    [Fact]
    public async Task Documents_are_scored_whole_for_a_file_and_sum_to_what_windows_say()
    {
        ByteModels.Save(_run.PathOf("a"), 3, _run.Storage);
        File.WriteAllLines(_run.PathOf("in.jsonl"), ["{\"text\": \"one document\"}", "broken", "{\"text\": \"and one more\"}"]);

        ScoreFileCounts counts = await new ScoreFile(_run.Storage, _device).RunAsync(
            new(_run.PathOf("a"), null, _run.PathOf("in.jsonl"), _run.PathOf("out.jsonl")), default);
        await Made.Evaluate(new() { Models = [new() { Model = "run:a" }] }, _run.Context()).RunAsync(Documents("one document", "and one more"), default);

        Assert.Equal(new ScoreFileCounts(2, 1), counts);
        JsonElement[] lines = [.. File.ReadLines(_run.PathOf("out.jsonl")).Select(l => JsonDocument.Parse(l).RootElement)];
        Assert.StartsWith("line is not JSON", lines[1].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal(13, lines[0].GetProperty("ids").GetArrayLength());
        Assert.Equal(13, lines[0].GetProperty("logLikelihoods").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, lines[0].GetProperty("logLikelihoods")[0].ValueKind);
        Assert.All(lines[0].GetProperty("logBoundaryMasses").EnumerateArray(), m => Assert.InRange(m.GetDouble(), -50, 0));
        double expected = EvaluationTable.FromJson(File.ReadAllBytes(_run.PathOf("report/judgement.json"))).Models[0].Bits;
        double bits = new[] { 0, 2 }.Sum(i => lines[i].GetProperty("bitsPerByte").GetDouble() * lines[i].GetProperty("bytes").GetInt64());
        Assert.Equal(expected, bits, 2);
    }

    private async Task<EvaluationReport> JudgeAsync(EvaluateOptions options, string[] texts)
    {
        await Made.Evaluate(options, _run.Context()).RunAsync(Documents(texts), default);
        return EvaluationTable.FromJson(File.ReadAllBytes(_run.PathOf("report/judgement.json")));
    }

    private async Task<string> DefinitionErrorAsync(EvaluateOptions options)
        => (await Assert.ThrowsAsync<DefinitionException>(() => Made.Evaluate(options, _run.Context()).RunAsync(Documents("x"), default))).Message;

    private static IAsyncEnumerable<TextDocument> Documents(params string[] texts)
        => texts.Select((t, i) => new TextDocument(new DocumentId(1, i, 0), t)).ToAsyncEnumerable();
}
