using System.Diagnostics;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Host.Gguf;
using Pipeline.Stages;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Teacher.Gguf;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>The quick start's teacher in llama.cpp gives the numbers that torch gives, the same bits however it is asked, and errors by name.</summary>
public sealed class GgufTeacherTests : IDisposable
{
    private const int Longest = 200;

    private static readonly string[] Texts =
    [
        "The ship left the harbour before dawn, and nobody on the quay waved.",
        "In 1998 the two rivers rose by 3.5 metres; 12 + 30 = 42.\nThen they fell.",
        "naïve café, über, Ελλάδα, Москва, 東京, 🙂",
        "a",
        string.Concat(Enumerable.Range(0, 80).Select(i => $"Line {i} of a long text.\n")),
    ];

    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly TorchDevice _torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null);
    private readonly string _model = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
    private readonly TextTokenizer _tokenizer;
    private readonly TeacherRequest _request;

    public GgufTeacherTests(ITestOutputHelper output)
    {
        _output = output;
        _tokenizer = TextTokenizer.Load(_model, _storage);
        TextEncoder encoder = _tokenizer.CreateEncoder();
        _request = new TeacherRequest([.. Texts.Select(t => new TeacherQuestion([.. encoder.EncodeDocument(t, addBos: true, addEos: false).Ids.Take(Longest)]))]);
    }

    public void Dispose()
    {
        _torch.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(GgufType.F32, 5e-4)]
    [InlineData(GgufType.F16, 5e-2)]
    [InlineData(GgufType.BF16, 0.5)]
    [InlineData(GgufType.Q8_0, 0.5)]
    public async Task Scores_are_those_of_torch(GgufType type, double allowed)
    {
        await using TorchTeacher torch = new(_model, _tokenizer, _storage, _torch);
        IReadOnlyList<TeacherAnswer> expected = await torch.ScoreAsync(_request, default);
        await using GgufTeacher llama = Teacher(await ExportAsync(type));
        IReadOnlyList<TeacherAnswer> found = await llama.ScoreAsync(_request, default);
        double likelihood = 0, boundary = 0;
        foreach ((TeacherScores e, TeacherScores f) in expected.Zip(found, (e, f) => (e.Scores, f.Scores)))
        {
            likelihood = Math.Max(likelihood, e.NegLogLikelihood.Zip(f.NegLogLikelihood, (a, b) => Math.Abs(a - b)).Max());
            boundary = Math.Max(boundary, e.NegLogBoundary!.Zip(f.NegLogBoundary!, (a, b) => Math.Abs(a - b)).Max());
        }
        _output.WriteLine($"{type}: log-likelihoods off by {likelihood:E1}, log boundary masses by {boundary:E1}");
        Assert.InRange(Math.Max(likelihood, boundary), 0, allowed);
        // That the bound says something: what is rounded more is off by more than what is not.
        Assert.True(type == GgufType.F32 || likelihood > 1e-4);
    }

    [Fact]
    public async Task The_quick_starts_documents_score_as_under_torch()
    {
        TextEncoder encoder = _tokenizer.CreateEncoder();
        TeacherRequest request = new([.. QuickStart.Texts(100).Select(t => new TeacherQuestion([.. encoder.EncodeDocument(t, addBos: true, addEos: true).Ids.Take(256)]))]);
        await using TorchTeacher torch = new(_model, _tokenizer, _storage, _torch);
        await using GgufTeacher llama = Teacher(await ExportAsync(GgufType.F32), threads: 2);
        IReadOnlyList<TeacherAnswer> expected = await torch.ScoreAsync(request, default), found = await llama.ScoreAsync(request, default);
        double worst = expected.Zip(found).Max(p => Math.Max(
            p.First.Scores.NegLogLikelihood.Zip(p.Second.Scores.NegLogLikelihood, (a, b) => Math.Abs(a - b)).Max(),
            p.First.Scores.NegLogBoundary!.Zip(p.Second.Scores.NegLogBoundary!, (a, b) => Math.Abs(a - b)).Max()));
        _output.WriteLine($"{request.Rows.Sum(r => r.Ids.Length)} tokens of {request.Rows.Count} documents: off by {worst:E1} at most");
        Assert.InRange(worst, 0, 5e-4);
    }

    [Fact]
    public async Task The_same_bits_come_in_other_chunks_threads_and_company_and_after_a_kill()
    {
        string file = await ExportAsync(GgufType.F32);
        await using GgufTeacher first = Teacher(file);
        IReadOnlyList<TeacherAnswer> expected = await first.ScoreAsync(_request, default);
        AssertSame(expected, await first.ScoreAsync(_request, default));
        for (int i = 0; i < Texts.Length; i++)
            AssertSame([expected[i]], await first.ScoreAsync(new TeacherRequest([_request.Rows[i]]), default));
        AssertSame([.. expected.Reverse()], await first.ScoreAsync(new TeacherRequest([.. _request.Rows.Reverse()]), default));

        using (Process worker = Process.GetProcessById(first.ProcessId!.Value))
        {
            worker.Kill();
            InputException killed = await Assert.ThrowsAsync<InputException>(() => first.ScoreAsync(_request, default));
            Assert.Contains("signal 9", killed.Message, StringComparison.Ordinal);
            Assert.Contains(file, killed.Message, StringComparison.Ordinal);
        }
        AssertSame(expected, await first.ScoreAsync(_request, default));
        foreach ((int chunk, int threads) in new[] { (8, 1), (64, 2), (33, 1), (1000, 1) })
        {
            await using GgufTeacher other = Teacher(file, chunk, threads);
            AssertSame(expected, await other.ScoreAsync(_request, default));
        }
    }

    [Fact]
    public async Task A_cancelled_request_ends_the_process()
    {
        await using GgufTeacher teacher = Teacher(await ExportAsync(GgufType.F32));
        await teacher.ScoreAsync(_request, default);
        using Process worker = Process.GetProcessById(teacher.ProcessId!.Value);
        using CancellationTokenSource stop = new();
        Task<IReadOnlyList<TeacherAnswer>> asked = teacher.ScoreAsync(new TeacherRequest([.. Enumerable.Repeat(_request.Rows[^1], 5000)]), stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await worker.WaitForExitAsync(new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token);
    }

    [Fact]
    public async Task The_fingerprint_is_of_the_file_the_engine_and_its_instructions()
    {
        string file = await ExportAsync(GgufType.F32);
        await using GgufTeacher teacher = Teacher(file);
        IReadOnlyDictionary<string, string> parts = teacher.Fingerprint;
        Assert.Equal(FileHash.Of(_storage, file).Hash, parts[FingerprintPart.TeacherWeights]);
        Assert.Matches("^LLamaSharp 0[.]30[.]0, llama[.]cpp [0-9a-f]{7}, (None|Avx|Avx2|Avx512), ", parts["teacher engine"]);
        Assert.Contains($"Include=\"LLamaSharp\" Version=\"{GgufWorkers.Package}\"", File.ReadAllText(Path.Combine(Repository.Root, "Directory.Packages.props")), StringComparison.Ordinal);
        await using GgufTeacher other = Teacher(await ExportAsync(GgufType.F16));
        Assert.NotEqual(parts[FingerprintPart.TeacherWeights], other.Fingerprint[FingerprintPart.TeacherWeights]);
    }

    [Theory]
    [InlineData(""" "hiddenLayers": [-1] """, """ "alm": {} """, "'hiddenLayers' needs hidden states, which a teacher of backend 'gguf' does not provide")]
    [InlineData(""" "bytes": "exact" """, """ "alm": {} """, "'bytes' needs exact next bytes, which a teacher of backend 'gguf' does not provide")]
    [InlineData(""" "batchTokens": 64 """, """ "alm": {}, "uld": {} """, "'objectives.uld' needs a teacher running alongside the student, which a teacher of backend 'gguf' does not provide")]
    [InlineData(""" "batchTokens": 64 """, """ "alm": { "scores": "online" } """, "")]
    [InlineData(""" "batchTokens": 64 """, """ "alm": {} """, "")]
    [InlineData(""" "bytes": "trunk" """, """ "alm": {}, "bytes": {} """, "")]
    public async Task What_it_cannot_say_is_refused_before_any_work(string options, string objectives, string expected)
    {
        string definition = Definition(await ExportAsync(GgufType.F32), options, objectives);
        AlmAnswer answer = await Alm.RunAsync([expected.Length > 0 ? "check" : "run", definition, "--run", _folder["run"]], stages: StageTable.All);
        Assert.True(answer.Code == (expected.Length > 0 ? ExitCodes.Definition : ExitCodes.Success), answer.Error);
        Assert.Contains(expected, answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cut", "cut off?")]
    [InlineData("equal tokens", "like an earlier one")]
    [InlineData("unknown pre", "does not know")]
    [InlineData("fewer tokens", "rows for")]
    [InlineData("no vocabulary", "needs a vocabulary")]
    public async Task What_llama_would_end_on_is_refused_before_it_sees_the_file(string fault, string expected)
    {
        string file = _folder["broken.gguf"];
        Break(await ExportAsync(GgufType.F32), file, fault);
        await using GgufTeacher teacher = new(file, new GgufTeacherDefinition { Model = file }, _tokenizer, _storage, new GgufWorkers(), 1);
        InputException scored = await Assert.ThrowsAsync<InputException>(() => teacher.ScoreAsync(_request, default));
        Assert.Contains(expected, scored.Message, StringComparison.Ordinal);
        Assert.Contains(file, scored.Message, StringComparison.Ordinal);
        Assert.Null(teacher.ProcessId);
        Assert.Equal(scored.Message, Assert.Throws<InputException>(() => teacher.Fingerprint).Message);
        AlmAnswer check = await Alm.RunAsync(["check", Definition(file, ""), "--run", _folder["run"]], stages: StageTable.All);
        Assert.Equal(ExitCodes.Input, check.Code);
        Assert.Contains(expected, check.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_assert_of_llama_is_an_error_with_its_last_words()
    {
        string file = _folder["broken.gguf"];
        Break(await ExportAsync(GgufType.F32), file, "equal tokens");
        // Past our own check, to see what comes of it.
        InputException error = Assert.Throws<InputException>(() => LlamaCpp.Open(file));
        Assert.Contains("signal 6", error.Message, StringComparison.Ordinal);
        Assert.Contains("GGML_ASSERT", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_llama_refuses_is_an_error_with_its_reason()
    {
        string file = _folder["broken.gguf"];
        Break(await ExportAsync(GgufType.F32), file, "missing tensor");
        await using GgufTeacher teacher = Teacher(file);
        Assert.Contains("blk.0.attn_q.weight", (await Assert.ThrowsAsync<InputException>(() => teacher.ScoreAsync(_request, default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tokenizer_that_does_not_fit_is_refused_by_its_tokens()
    {
        string file = await ExportAsync(GgufType.F32);
        await using GgufTeacher teacher = new(
            file, new GgufTeacherDefinition { Model = file }, TextTokenizer.Load(TextTokenizer.BytesPath, _storage), _storage, new GgufWorkers(), 1);
        Assert.Contains("spell different bytes here and in llama.cpp", (await Assert.ThrowsAsync<InputException>(() => teacher.ScoreAsync(_request, default))).Message, StringComparison.Ordinal);
    }

    private string Definition(string file, string options, string objectives = """ "alm": {} """) => _folder.Write("d.json", $$"""
        { "name": "d", "teacher": { "backend": "gguf", "model": "{{file}}", "tokenizer": "{{_model}}" }, "student": { "model": "{{_model}}", "tokenizer": "bytes" },
          "flows": [
            { "name": "score", "stages": [
              { "stage": "read-parquet", "files": ["{{Path.Combine(Repository.Root, "data", "text", "test.parquet")}}"], "maxRows": 3 },
              { "stage": "tokenize", "maxTeacherTokens": 64 }, { "stage": "align" }, { "stage": "score-teacher" {{(options.Length > 0 ? "," : "")}} {{options}} }, { "stage": "write-shards", "to": "shards" } ] },
            { "name": "distill", "stages": [
              { "stage": "read-shards", "from": ["run:shards"], "epochs": 0 }, { "stage": "batch", "tokens": 512 },
              { "stage": "update-student", "to": "student", "objectives": { {{objectives}} }, "steps": 2 } ] } ] }
        """);

    private static void AssertSame(IReadOnlyList<TeacherAnswer> expected, IReadOnlyList<TeacherAnswer> found)
    {
        Assert.Equal(expected.Count, found.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].Scores.NegLogLikelihood, found[i].Scores.NegLogLikelihood);
            Assert.Equal(expected[i].Scores.NegLogBoundary, found[i].Scores.NegLogBoundary);
        }
    }

    private GgufTeacher Teacher(string file, int chunkTokens = 256, int threads = 1)
        => new(file, new GgufTeacherDefinition { Model = file, ChunkTokens = chunkTokens }, TextTokenizer.Load(file, _storage), _storage, new GgufWorkers(), threads);

    private async Task<string> ExportAsync(GgufType type)
    {
        string file = _folder[$"{type}.gguf"];
        if (!File.Exists(file))
            await _torch.RunAsync(() => GgufModelFile.Convert(_model, null, file, type, _storage, _torch), default);
        return file;
    }

    /// <summary>Copies a file with a fault.</summary>
    private static void Break(string from, string to, string fault)
    {
        if (fault == "cut")
        {
            File.WriteAllBytes(to, File.ReadAllBytes(from)[..^5000]);
            return;
        }
        GgufCopy.Write(from, to, (key, value) => (fault, key, value) switch
        {
            ("equal tokens", "tokenizer.ggml.tokens", string[] tokens) => (string[])[.. tokens[..^1], tokens[3]],
            ("fewer tokens", "tokenizer.ggml.tokens", string[] tokens) => tokens[..^1],
            ("fewer tokens", "tokenizer.ggml.token_type", long[] types) => types[..^1],
            ("no vocabulary", "tokenizer.ggml.tokens", _) => null,
            ("unknown pre", "tokenizer.ggml.pre", _) => "no-such-pre",
            _ => value,
        }, name => fault != "missing tensor" || name != "blk.0.attn_q.weight");
    }
}
