using System.Diagnostics;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Host.Gguf;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.GgufExport;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Teacher.Gguf;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using Xunit.Abstractions;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>Next bytes of the quick start's documents from llama.cpp's distributions are those from torch's, and the same bits however they are asked.</summary>
public sealed class GgufNextBytesTests : IDisposable
{
    private readonly ITestOutputHelper _output;
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly TorchDevice _torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null);
    private readonly string _model = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
    private readonly TextTokenizer _tokenizer;
    private readonly TeacherQuestion[] _rows;

    public GgufNextBytesTests(ITestOutputHelper output)
    {
        _output = output;
        _tokenizer = TextTokenizer.Load(_model, _storage);
        TextEncoder encoder = _tokenizer.CreateEncoder();
        _rows = [.. QuickStart.Texts(20).Append("naïve café, Ελλάδα, 東京, 🙂").Select(text => encoder.EncodeDocument(text, addBos: true, addEos: true)).Select(t => new TeacherQuestion(t.Ids) { Tokens = t })];
    }

    public void Dispose()
    {
        _torch.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(256, 1.0)]
    [InlineData(16, 0.99)]
    public async Task What_is_kept_is_what_is_kept_of_torch(int most, double share)
    {
        TeacherRequest request = new(_rows) { Bytes = new NextBytesAsked(NextByteKnowledge.Trunk, 0, most, share) };
        await using TorchTeacher torch = new(_model, _tokenizer, _storage, _torch);
        await using GgufTeacher llama = await TeacherAsync();
        IReadOnlyList<TeacherAnswer> expected = await torch.ScoreAsync(request, default), found = await llama.ScoreAsync(request, default);
        double worst = 0;
        int rows = 0, named = 0, others = 0;
        foreach ((AnsweredBytes e, AnsweredBytes f) in expected.Zip(found, (e, f) => (e.Bytes!, f.Bytes!)))
        {
            f.Bytes.Validate(e.Bytes.Rows - 1);
            Assert.Equal(e.Contexts, f.Contexts);
            for (int row = 0; row < e.Bytes.Rows; row++, rows++)
            {
                Dictionary<int, double> a = Law(e.Bytes, row), b = Law(f.Bytes, row);
                named += a.Count;
                // One that is named here and not there is among those that are as likely as what is left out.
                others += a.Keys.Except(b.Keys).Count() + b.Keys.Except(a.Keys).Count();
                foreach (int symbol in a.Keys.Intersect(b.Keys))
                    worst = Math.Max(worst, Math.Abs(a[symbol] - b[symbol]));
            }
        }
        _output.WriteLine($"{rows} rows, {named} numbers: off by {worst:E1}, {others} in one of them alone");
        Assert.InRange(worst, 0, 1e-4);
        Assert.InRange(others, 0, named / 1000);
    }

    [Fact]
    public async Task The_same_bits_come_in_other_chunks_threads_and_company_and_after_a_kill()
    {
        TeacherRequest request = new(_rows) { Bytes = new NextBytesAsked(NextByteKnowledge.Trunk, 0, 16, 0.99) };
        await using GgufTeacher first = await TeacherAsync();
        IReadOnlyList<TeacherAnswer> expected = await first.ScoreAsync(request, default);
        AssertSame([.. expected.Select(e => e with { Bytes = null })], await first.ScoreAsync(new TeacherRequest(_rows), default));
        AssertSame([expected[3]], await first.ScoreAsync(request with { Rows = [_rows[3]] }, default));
        using (Process worker = Process.GetProcessById(first.ProcessId!.Value))
        {
            worker.Kill();
            await Assert.ThrowsAsync<InputException>(() => first.ScoreAsync(request, default));
        }
        AssertSame(expected, await first.ScoreAsync(request, default));
        await using GgufTeacher other = await TeacherAsync(chunkTokens: 33, threads: 2);
        AssertSame([.. expected.Reverse()], await other.ScoreAsync(request with { Rows = [.. _rows.Reverse()] }, default));
    }

    private static void AssertSame(IReadOnlyList<TeacherAnswer> expected, IReadOnlyList<TeacherAnswer> found)
    {
        foreach ((TeacherAnswer e, TeacherAnswer f) in expected.Zip(found))
        {
            Assert.Equal(e.Scores.NegLogLikelihood, f.Scores.NegLogLikelihood);
            Assert.Equal(e.Scores.NegLogBoundary, f.Scores.NegLogBoundary);
            Assert.Equal(e.Bytes?.Bytes.Symbols, f.Bytes?.Bytes.Symbols);
            Assert.Equal(e.Bytes?.Bytes.NegLogProbabilities, f.Bytes?.Bytes.NegLogProbabilities);
            Assert.Equal(e.Bytes?.Bytes.NegLogEnd, f.Bytes?.Bytes.NegLogEnd);
            Assert.Equal(e.Bytes?.Bytes.NegLogRest, f.Bytes?.Bytes.NegLogRest);
        }
        Assert.Equal(expected.Count, found.Count);
    }

    /// <summary>Probabilities by byte; the end's under 256, of all that is not named under 257.</summary>
    private static Dictionary<int, double> Law(TeacherBytes bytes, int row)
    {
        Dictionary<int, double> p = new() { [256] = Math.Exp(-bytes.NegLogEnd[row]), [257] = Math.Exp(-bytes.NegLogRest[row]) };
        for (int i = bytes.Starts[row]; i < bytes.Starts[row + 1]; i++)
            p[bytes.Symbols[i]] = Math.Exp(-bytes.NegLogProbabilities[i]);
        return p;
    }

    private async Task<GgufTeacher> TeacherAsync(int chunkTokens = 256, int threads = 1)
    {
        string file = _folder["teacher.gguf"];
        if (!File.Exists(file))
            await _torch.RunAsync(() => GgufModelFile.Convert(_model, null, file, GgufType.F32, _storage, _torch), default);
        return new GgufTeacher(file, new GgufTeacherDefinition { Model = file, ChunkTokens = chunkTokens }, TextTokenizer.Load(file, _storage), _storage, new GgufWorkers(), threads);
    }
}
