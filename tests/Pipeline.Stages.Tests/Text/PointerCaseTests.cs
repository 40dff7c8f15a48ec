using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Tokenization;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Text;

/// <summary>Files that are not what their names say: each one in the shared folder <c>cases</c>, under every name that it can have.</summary>
public sealed class PointerCaseTests(ITestOutputHelper output) : IDisposable
{
    private readonly StageHarness _run = new();
    private readonly DiskStorage _storage = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task A_pointer_of_Git_LFS_is_told_from_damage()
    {
        foreach (string file in CaseFolder.Files("F14", "*", output).Where(f => FileHead.IsLfsPointer(File.ReadAllBytes(f))))
        {
            string Named(string name)
            {
                string path = Path.Combine(Directory.CreateDirectory(_run.PathOf(name + "-folder")).FullName, name);
                File.Copy(file, path);
                return path;
            }

            await Told(() => Task.Run(() => TextTokenizer.Load(Named("tokenizer.json"), _storage)));
            await Told(() => Task.Run(() => ModelConfig.Load(Path.GetDirectoryName(Named("config.json"))!, _storage)));
            await Told(() => Task.Run(() => SafetensorsFolder.Open(Path.GetDirectoryName(Named("model.safetensors"))!, _storage)));
            await Told(() => Task.Run(() => SafetensorsFolder.Open(Path.GetDirectoryName(Named("model.safetensors.index.json"))!, _storage)));
            await Told(() => StageHarness.ReadAsync(Made.ReadParquet(new() { Files = [Named("a.parquet")] }, _run.Context())));
            await Told(() => StageHarness.ReadAsync(Made.ReadJsonl(new() { Files = [Named("a.jsonl")] }, _run.Context())));
            await Told(() => StageHarness.ReadAsync(Made.ReadJsonl(new() { Files = [Named("a.jsonl.gz")] }, _run.Context())));
        }
    }

    [Fact]
    public async Task A_text_that_is_called_gz_is_told_from_damage()
    {
        foreach (string file in CaseFolder.Files("F14", "*.gz", output).Where(f => !FileHead.IsLfsPointer(File.ReadAllBytes(f))))
        {
            InputException error = await Assert.ThrowsAsync<InputException>(() => StageHarness.ReadAsync(Made.ReadJsonl(new() { Files = [file] }, _run.Context())));
            Assert.DoesNotContain("damaged", error.Message, StringComparison.Ordinal);
            Assert.Contains("name", error.Message, StringComparison.Ordinal);
        }
    }

    private static async Task Told(Func<Task> read)
    {
        InputException error = await Assert.ThrowsAsync<InputException>(read);
        Assert.Contains("git lfs pull", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("damaged", error.Message, StringComparison.Ordinal);
    }
}
