using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Checkpoints;
using Pipeline.Stages.Tests.Shards;

namespace Pipeline.Stages.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_newest_is_found_with_what_was_written()
    {
        Write(5);
        Write(12);
        Checkpoint found = CheckpointSet.FindLatest(_storage, _folder.Path).Latest!;
        Assert.Equal(12, found.Step);
        Assert.Equal("{\"position\":12}", found.ReadState());
        using var reader = new StreamReader(found.OpenRead("weights"));
        Assert.Equal("weights of 12", reader.ReadToEnd());
        Assert.Equal(["optimizer", "state.json", "weights"], found.Files.Select(f => f.Name).Order());
        Assert.Contains("has no nothing", Assert.Throws<InputException>(() => found.PathOf("nothing")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_or_absent_folder_has_none()
    {
        Assert.Null(CheckpointSet.FindLatest(_storage, _folder.Path).Latest);
        Assert.Null(CheckpointSet.FindLatest(_storage, _folder["none"]).Latest);
    }

    [Fact]
    public void Only_the_last_few_are_kept_and_nothing_else_is_touched()
    {
        File.WriteAllText(_folder["notes.txt"], "");
        foreach (int step in new[] { 1, 2, 3, 4 })
            Write(step);
        Assert.Equal(["notes.txt", "step-0000000003", "step-0000000004"], _storage.List(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_step_written_again_replaces_itself()
    {
        Write(7);
        File.WriteAllText(Path.Combine(_folder["step-0000000007"], "weights"), "damaged");
        Write(7);
        Assert.Empty(CheckpointSet.FindLatest(_storage, _folder.Path).Skipped);
        Assert.Equal(["step-0000000007"], _storage.List(_folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("weights", "flip")]
    [InlineData("weights", "cut")]
    [InlineData("weights", "delete")]
    [InlineData("state.json", "flip")]
    [InlineData("checkpoint.json", "flip")]
    [InlineData("checkpoint.json", "cut")]
    [InlineData("checkpoint.json", "delete")]
    public void One_that_is_not_whole_is_skipped_by_name_and_the_one_before_it_taken(string file, string damage)
    {
        Write(1);
        Write(2);
        string path = Path.Combine(_folder["step-0000000002"], file);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        if (damage == "delete")
            File.Delete(path);
        else
            File.WriteAllBytes(path, damage == "cut" ? bytes[..^1] : bytes);
        CheckpointSearch search = CheckpointSet.FindLatest(_storage, _folder.Path);
        Assert.Equal(1, search.Latest!.Step);
        Assert.Contains(path, Assert.Single(search.Skipped).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_newest_one_never_pushes_out_those_that_are_whole()
    {
        foreach (int step in new[] { 1, 2, 9 })
            Write(step);
        File.Delete(Path.Combine(_folder["step-0000000009"], "weights"));
        CheckpointSearch search = new CheckpointWriter(_storage, _folder.Path, 2).Resume();
        Assert.Equal(2, search.Latest!.Step);
        Assert.Contains("step-0000000009", Assert.Single(search.Skipped).Message, StringComparison.Ordinal);
        Write(3);
        Assert.Equal(["step-0000000002", "step-0000000003"], _storage.List(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_writer_that_throws_leaves_nothing()
    {
        Assert.Throws<InvalidDataException>(() => new CheckpointWriter(_storage, _folder.Path, 2).Write(
            1, "{}", ("a", s => s.Write("1"u8)), ("b", _ => throw new InvalidDataException())));
        Assert.Empty(_storage.List(_folder.Path));
    }

    [Theory]
    [InlineData("../escape")]
    [InlineData("checkpoint.json")]
    [InlineData("..")]
    [InlineData("")]
    public void A_name_that_is_no_file_of_the_folder_is_refused(string name)
    {
        Assert.Throws<ArgumentException>(() => new CheckpointWriter(_storage, _folder["c"], 2).Write(1, "{}", (name, s => s.Write("1"u8))));
        Assert.Equal([_folder["c"]], _storage.List(_folder.Path));
        Assert.Empty(_storage.List(_folder["c"]));
    }

    [Fact]
    public void A_manifest_that_names_a_file_elsewhere_is_refused()
    {
        Write(1);
        CheckpointManifest.Create(1, [new FileHash("../../secret", 1, "00")]).Write(_storage, _folder["step-0000000001"]);
        Assert.Contains("outside its folder", Assert.Single(CheckpointSet.FindLatest(_storage, _folder.Path).Skipped).Message, StringComparison.Ordinal);
    }

    private string Write(int step) => new CheckpointWriter(_storage, _folder.Path, keep: 2).Write(
        step, $"{{\"position\":{step}}}", ("weights", s => s.Write(System.Text.Encoding.UTF8.GetBytes($"weights of {step}"))), ("optimizer", s => s.Write(new byte[100_000])));
}
