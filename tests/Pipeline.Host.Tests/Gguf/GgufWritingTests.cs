using System.Diagnostics;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
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

namespace Pipeline.Host.Tests.Gguf;

/// <summary>A GGUF teacher writes what torch writes of the same model, and the same again in any company.</summary>
public sealed class GgufWritingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly TorchDevice _torch = TorchDevice.Create(DeviceChoice.Cpu, 1, null);
    private readonly string _model = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
    private readonly TextTokenizer _tokenizer;
    private readonly WritingRequest _request;

    public GgufWritingTests()
    {
        _tokenizer = TextTokenizer.Load(_model, _storage);
        TextEncoder encoder = _tokenizer.CreateEncoder();
        int[][] prompts = [.. QuickStart.Texts(5).Select(t => encoder.EncodeDocument(t, addBos: true, addEos: false).Ids).SelectMany((ids, i) => (int[][])[[.. ids.Take(5 + (4 * i))], ids])];
        _request = new WritingRequest(prompts, [.. Enumerable.Range(30, prompts.Length)], MaxNewTokens: 40, Seed: 3);
    }

    public void Dispose()
    {
        _torch.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(0, null, null)]
    [InlineData(1, null, null)]
    [InlineData(0.8, 20, 0.9)]
    public async Task It_writes_what_torch_writes(double temperature, int? topK, double? topP)
    {
        WritingRequest request = _request with { Temperature = temperature, TopK = topK, TopP = topP };
        await using TorchTeacher torch = new(_model, _tokenizer, _storage, _torch);
        await using GgufTeacher llama = await TeacherAsync();
        IReadOnlyList<TeacherWriting> expected = await torch.WriteAsync(request, default), found = await llama.WriteAsync(request, default);
        Assert.Equal(expected.Select(e => (e.IsEnded, string.Join(' ', e.Ids))), found.Select(f => (f.IsEnded, string.Join(' ', f.Ids))));
        // Both ways to end are among them.
        Assert.Contains(found, f => f.IsEnded);
        Assert.Contains(found, f => !f.IsEnded);
    }

    [Fact]
    public async Task It_writes_the_same_in_other_company_and_after_a_kill()
    {
        WritingRequest request = _request with { Temperature = 1 };
        await using GgufTeacher teacher = await TeacherAsync();
        IReadOnlyList<TeacherWriting> expected = await teacher.WriteAsync(request, default);
        await teacher.ScoreAsync(new TeacherRequest([new TeacherQuestion(request.Prompts[3])]), default);
        IReadOnlyList<TeacherWriting> reversed = await teacher.WriteAsync(request with { Prompts = [.. request.Prompts.Reverse()], Streams = [.. request.Streams.Reverse()] }, default);
        Assert.Equal(expected.Reverse().Select(e => e.Ids), reversed.Select(f => f.Ids));
        using (Process worker = Process.GetProcessById(teacher.ProcessId!.Value))
        {
            worker.Kill();
            await Assert.ThrowsAsync<InputException>(() => teacher.WriteAsync(request, default));
        }
        Assert.Equal([expected[4].Ids], (await teacher.WriteAsync(request with { Prompts = [request.Prompts[4]], Streams = [request.Streams[4]] }, default)).Select(f => f.Ids));
    }

    [Fact]
    public async Task A_corpus_that_it_wrote_is_scored_in_the_same_flow()
    {
        await using (await TeacherAsync())
        {
            string definition = _folder.Write("d.json", $$"""
                { "name": "d", "threads": 1, "teacher": { "backend": "gguf", "model": "{{_folder["teacher.gguf"]}}" }, "student": { "model": "{{_model}}", "tokenizer": "bytes" },
                  "flows": [ { "name": "score", "stages": [
                    { "stage": "read-parquet", "files": ["{{Path.Combine(Repository.Root, "data", "text", "test.parquet")}}"], "maxRows": 4 },
                    { "stage": "generate-text", "maxNewTokens": 12, "temperature": 1 }, { "stage": "tokenize" }, { "stage": "score-teacher" }, { "stage": "write-shards", "to": "shards" } ] } ] }
                """);
            AlmAnswer ran = await Alm.RunAsync(["run", definition, "--run", _folder["run"], "--plain"], stages: StageTable.All);
            Assert.True(ran.Code == 0, ran.Error);
            Assert.Contains("newTokens", ran.Error + ran.Output, StringComparison.Ordinal);
        }
    }

    private async Task<GgufTeacher> TeacherAsync()
    {
        string file = _folder["teacher.gguf"];
        await _torch.RunAsync(() => GgufModelFile.Convert(_model, null, file, GgufType.F32, _storage, _torch), default);
        return new GgufTeacher(file, new GgufTeacherDefinition { Model = file }, TextTokenizer.Load(file, _storage), _storage, new GgufWorkers(), 1);
    }
}
