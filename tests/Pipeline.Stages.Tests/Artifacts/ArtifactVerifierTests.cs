using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Artifacts;
using Pipeline.Stages.Checkpoints;
using Pipeline.Stages.Shards;
using Pipeline.Stages.Tests.Shards;

namespace Pipeline.Stages.Tests.Artifacts;

public sealed class ArtifactVerifierTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DiskStorage _storage = new();
    private readonly TestContext _context;

    public ArtifactVerifierTests() => _context = new TestContext(_storage, _folder.Path);

    public async Task InitializeAsync()
    {
        for (int i = 0; i < 3; i++)
            await WriteShardAsync(i);
        foreach (int step in new[] { 10, 20 })
            new CheckpointWriter(_storage, _folder["student/checkpoints"], 3).Write(step, "{}", ("weights", s => s.Write(new byte[5000])));
        _storage.WriteAtomically(_folder["student/model/model.safetensors"], s => s.Write(new byte[9000]));
        _storage.WriteAtomically(_folder["student/model/config.json"], s => s.Write("{}"u8));
        FileList.WriteFor(_storage, _folder["student/model"]);
        File.WriteAllText(_folder["metrics.jsonl"], "{}");
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_whole_run_folder_has_no_findings()
    {
        VerificationReport report = ArtifactVerifier.Verify(_storage, _folder.Path);
        Assert.Empty(report.Findings);
        // 3 shards and their manifest, two checkpoints of two files and a manifest, two files of the model and their list.
        Assert.Equal(4 + 6 + 3, report.Intact);
        Assert.True(report.Bytes > 14_000);
    }

    [Theory]
    [InlineData("shards/shard-00001-of-00003.alm", "shards/shard-00001-of-00003.alm")]
    [InlineData("shards/manifest.json", "shards/manifest.json")]
    [InlineData("student/checkpoints/step-0000000020/weights", "student/checkpoints/step-0000000020")]
    [InlineData("student/checkpoints/step-0000000010/checkpoint.json", "student/checkpoints/step-0000000010")]
    [InlineData("student/model/model.safetensors", "student/model/model.safetensors,student/model/checksums.json")]
    [InlineData("student/model/checksums.json", "student/model/checksums.json")]
    public async Task What_is_damaged_is_named_and_only_that_is_deleted(string damaged, string deleted)
    {
        byte[] bytes = File.ReadAllBytes(_folder[damaged]);
        bytes[bytes.Length / 2] ^= 8;
        File.WriteAllBytes(_folder[damaged], bytes);
        string[] before = Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories);

        VerificationReport report = ArtifactVerifier.Verify(_storage, _folder.Path);
        Assert.Contains(report.Findings, f => f.Message.Contains(_folder[damaged], StringComparison.Ordinal));
        string[] expected = [.. deleted.Split(',').Select(d => _folder[d])];
        Assert.Equal(expected, report.Findings.Select(f => f.Path));
        Assert.Equal(expected, ArtifactRepair.Apply(_storage, report.Findings));

        Assert.Equal(
            before.Where(f => !expected.Any(e => f == e || f.StartsWith(e + "/", StringComparison.Ordinal))).Order(),
            Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories).Order());
        Assert.DoesNotContain(ArtifactVerifier.Verify(_storage, _folder.Path).Findings, f => f.Kind != FindingKind.Missing);
        for (int i = 0; i < 3; i++)
        {
            if (!Stage(i).IsCommitted(i))
            {
                Assert.Equal("shards/shard-00001-of-00003.alm", damaged);
                await WriteShardAsync(i);
            }
        }
        Assert.Empty(ArtifactVerifier.Verify(_storage, _folder.Path).Findings);
    }

    [Fact]
    public void Leftovers_missing_files_and_strangers_are_told_apart()
    {
        File.Delete(_folder["shards/shard-00000-of-00003.alm"]);
        File.WriteAllText(_folder["shards/.staging-x-1-2-3-shard"], "");
        File.Copy(_folder["shards/shard-00001-of-00003.alm"], _folder["shards/copy.alm"]);
        VerificationReport report = ArtifactVerifier.Verify(_storage, _folder.Path);
        Assert.Equal(
            [(FindingKind.Leftover, ".staging-x-1-2-3-shard"), (FindingKind.Foreign, "copy.alm"), (FindingKind.Missing, "shard-00000-of-00003.alm")],
            report.Findings.Select(f => (f.Kind, Path.GetFileName(f.Path))));
        Assert.Equal([_folder["shards/.staging-x-1-2-3-shard"]], ArtifactRepair.Apply(_storage, report.Findings));
    }

    [Fact]
    public void A_link_is_named_and_not_followed()
    {
        Directory.CreateSymbolicLink(_folder["round"], _folder.Path);
        Finding finding = Assert.Single(ArtifactVerifier.Verify(_storage, _folder.Path).Findings);
        Assert.Equal((FindingKind.Foreign, _folder["round"]), (finding.Kind, finding.Path));
        Directory.Delete(_folder["round"]);
    }

    [Fact]
    public void A_folder_that_is_not_there_is_refused()
        => Assert.Throws<InputException>(() => ArtifactVerifier.Verify(_storage, _folder["none"]));

    [Fact]
    public void An_inspection_says_what_each_part_costs()
    {
        ShardSet set = ShardSet.Open(_storage, _folder["shards"], _context.Parts);
        ShardInspection inspection = ShardInspection.Of(set);
        Assert.Equal(15, inspection.Records);
        Assert.Equal(4.0, inspection.Parts.Single(p => p.Part == ShardPart.Scores).RawPerTeacherToken);
        Assert.InRange(inspection.BytesPerTeacherTokenWithoutText!.Value, 3, 30);
        Assert.Contains(inspection.Rows, r => r.Name == "made from student tokenizer" && r.Value == "bytes");
        using var json = System.Text.Json.JsonDocument.Parse(inspection.ToJson());
        Assert.Equal(15, json.RootElement.GetProperty("records").GetInt64());
        Assert.Equal(5, ShardInspection.Of(set.Shards[0]).Records);
    }

    private WriteShardsSink Stage(int part) => Made.WriteShards(new WriteShardsOptions { To = "shards", Count = 3 }, _context.For(new Partition(part, 3)));

    private async Task WriteShardAsync(int part)
    {
        using WriteShardsSink stage = Stage(part);
        await stage.RunAsync(TestContext.Stream(Enumerable.Range(part * 5, 5).Select(i => ExampleSamples.Realistic(i))), default);
        stage.Commit();
    }
}
