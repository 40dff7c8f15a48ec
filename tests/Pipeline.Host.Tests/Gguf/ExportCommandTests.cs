using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Models;
using Pipeline.Stages.Teacher.Gguf;
using static TorchSharp.torch;

namespace Pipeline.Host.Tests.Gguf;

/// <summary>A run writes its student as GGUF, and <c>alm export</c> writes what is in a run folder; what cannot be said is refused before training.</summary>
public sealed class ExportCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();

    private string Run => _folder["run"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_students_run_and_the_command_write_the_same_student()
    {
        string definition = Definition("", """ "gguf": "f32" """);
        AlmAnswer ran = await RunAsync("run", definition, "--run", Run, "--plain");
        Assert.True(ran.Code == 0, ran.Error + ran.Output);
        string inRun = Path.Combine(Run, "student", "model.gguf"), exported = _folder["student.gguf"];
        Assert.Equal(0, (await RunAsync("verify", Run)).Code);

        AlmAnswer export = await RunAsync("export", Run, "--gguf", exported, "--type", "f32", "--prompt", "Tom has", "--max-tokens", "5");
        Assert.True(export.Code == 0, export.Error);
        Assert.Contains("llama.cpp continues:", export.Output, StringComparison.Ordinal);
        using GgufWorkerClient first = LlamaCpp.Open(inRun), second = LlamaCpp.Open(exported);
        int[] ids = [65, 84, 111, 109, 32, 104, 97, 115];
        float[] logits = first.Logits(ids);
        Assert.Equal(logits, second.Logits(ids));
        Assert.InRange(LlamaCpp.Difference(logits, Logits(Path.Combine(Run, "student"), ids)), 0, 1e-4);

        string table = (await RunAsync("inspect", exported)).Output;
        Assert.StartsWith("GGUF file ", table, StringComparison.Ordinal);
        Assert.Contains("llama", table, StringComparison.Ordinal);
        using GgufFile file = GgufFile.Open(exported, _storage);
        Assert.All(file.Tensors, t => Assert.Equal((uint)GgufType.F32, t.Type));
    }

    [Fact]
    public async Task What_cannot_be_said_is_refused_before_the_first_step()
    {
        AlmAnswer expanded = await RunAsync("run", Definition(""", "inputExpansion": true """, """ "gguf": "q8_0" """), "--run", Run, "--plain");
        Assert.True(expanded.Code == ExitCodes.Definition, expanded.Error);
        Assert.Contains("exportWithoutExpansion", expanded.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(Run, "checkpoints")));

        AlmAnswer ran = await RunAsync("run", Definition(""", "inputExpansion": true """, """ "exportWithoutExpansion": false """), "--run", Run, "--plain");
        Assert.True(ran.Code == 0, ran.Error + ran.Output);
        AlmAnswer export = await RunAsync("export", Run, "--gguf", _folder["student.gguf"]);
        Assert.NotEqual(0, export.Code);
        Assert.Contains("adds to its input embeddings (input expansion), which GGUF cannot express; train it with \"exportWithoutExpansion\": true", export.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["student.gguf"]));
    }

    private static float[] Logits(string folder, int[] ids)
    {
        using IDisposable quiet = no_grad();
        using var scope = NewDisposeScope();
        using CausalLm model = ByteModel.Load(folder);
        using AttentionContext attention = model.CreateAttention(1, ids.Length);
        return model.Logits(model.Hidden(tensor(Array.ConvertAll(ids, id => (long)id)).view(1, -1), attention)).data<float>().ToArray();
    }

    private static Task<AlmAnswer> RunAsync(params string[] arguments) => Alm.RunAsync(arguments, stages: StageTable.All);

    private string Definition(string student, string options)
    {
        string teacher = Path.Combine(Repository.Root, "data", "models", "tiny-llama");
        return _folder.Write("d.json", $$"""
            { "name": "d", "threads": 1, "teacher": { "model": "{{teacher}}" }, "student": { "model": "{{teacher}}", "tokenizer": "bytes" {{student}} },
              "flows": [
                { "name": "score", "stages": [
                  { "stage": "read-parquet", "files": ["{{Path.Combine(Repository.Root, "data", "text", "test.parquet")}}"], "maxRows": 6 },
                  { "stage": "tokenize", "maxTeacherTokens": 64 }, { "stage": "align" }, { "stage": "score-teacher" }, { "stage": "write-shards", "to": "shards", "count": 1 } ] },
                { "name": "distill", "stages": [
                  { "stage": "read-shards", "from": ["run:shards"], "epochs": 0 }, { "stage": "batch", "tokens": 512 },
                  { "stage": "update-student", "to": "student", "objectives": { "alm": {} }, "steps": 2, {{options}} } ] } ] }
            """);
    }
}
