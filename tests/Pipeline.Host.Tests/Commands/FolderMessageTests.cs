using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Tests.Commands;

/// <summary>Folders that are not what a command needs: what they are is said, with what to do.</summary>
public sealed class FolderMessageTests : IDisposable
{
    private const string Pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

    private readonly TemporaryFolder _folder = new();
    private readonly string _model;

    public FolderMessageTests() => _model = ByteModel.Save(_folder["model"], seed: 3);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    [InlineData("model.safetensors")]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("special_tokens_map.json")]
    public async Task A_pointer_of_Git_LFS_is_named_wherever_it_lies(string file)
    {
        File.WriteAllText(Path.Combine(_model, file), Pointer);
        await Refused("git lfs pull", file);
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    [InlineData("tokenizer.json")]
    public async Task A_link_whose_file_is_gone_is_named(string file)
    {
        File.Delete(Path.Combine(_model, file));
        File.CreateSymbolicLink(Path.Combine(_model, file), Path.Combine("..", "..", "blobs", "0123"));
        await Refused("a link to a file that does not exist", file);
    }

    [Fact]
    public async Task A_link_whose_file_is_there_is_read()
    {
        string linked = Directory.CreateDirectory(_folder["linked"]).FullName;
        foreach (string file in Directory.GetFiles(_model))
            File.CreateSymbolicLink(Path.Combine(linked, Path.GetFileName(file)), file);
        Assert.Equal(0, (await Alm.RunAsync(["generate", "--model", linked, "--prompt", "a", "--max-tokens", "2"])).Code);
    }

    [Theory]
    [InlineData("model.Q4_K_M.gguf", "model.Q4_K_M.gguf")]
    [InlineData("adapter_config.json", "alm merge")]
    [InlineData("pytorch_model.bin", "save_pretrained")]
    [InlineData("tf_model.h5", "tf_model.h5")]
    [InlineData("snapshots/abc/config.json", "snapshots/abc")]
    [InlineData("models--a--b/snapshots/abc/config.json", "models--a--b/snapshots/abc")]
    public async Task A_folder_without_the_files_is_told_by_what_it_holds(string file, string said)
    {
        Directory.Delete(_model, recursive: true);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_model, file))!);
        File.WriteAllText(Path.Combine(_model, file), "");
        await Refused(said, _model);
        AlmAnswer inspected = await Alm.RunAsync(["inspect", _model]);
        Assert.Equal(ExitCodes.Input, inspected.Code);
        Assert.Contains(said, inspected.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_are_named_once_and_as_the_file_has_them()
    {
        string path = Path.Combine(_model, "config.json");
        JsonObject config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        config.Remove("dtype");
        config["torch_dtype"] = "int8";
        config["max_position_embeddings"] = "x";
        config["rope_scaling"] = new JsonObject { ["type"] = "liner", ["factor"] = 2 };
        File.WriteAllText(path, config.ToJsonString());
        AlmAnswer answer = await Alm.RunAsync(["inspect", _model]);
        Assert.Equal(ExitCodes.Input, answer.Code);
        foreach (string key in (string[])["torch_dtype = 'int8'", "rope_scaling.type = 'liner'", "max_position_embeddings = \"x\""])
            Assert.Equal(2, answer.Error.Split(key).Length);
        Assert.DoesNotContain("rope_type =", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_text_to_stop_at_is_refused()
    {
        AlmAnswer answer = await Alm.RunAsync(["generate", "--model", _model, "--prompt", "a", "--stop", ""]);
        Assert.Equal(ExitCodes.Definition, answer.Code);
        Assert.Contains("--stop", answer.Error, StringComparison.Ordinal);
    }

    private async Task Refused(params string[] said)
    {
        AlmAnswer answer = await Alm.RunAsync(["generate", "--model", _model, "--prompt", "a", "--max-tokens", "2"]);
        Assert.Equal(ExitCodes.Input, answer.Code);
        Assert.All(said, s => Assert.Contains(s, answer.Error, StringComparison.Ordinal));
    }
}
