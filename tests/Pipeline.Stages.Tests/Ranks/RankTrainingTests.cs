using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Safetensors;
using Pipeline.Stages.Objectives.Combine;
using Pipeline.Stages.Objectives.Schedules;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tests.Student;
using Pipeline.Stages.Tests.Torch;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using TorchSharp;

namespace Pipeline.Stages.Tests.Ranks;

/// <summary>One student trained by ranks that are threads, each with a device and a model of its own.</summary>
[Collection(TorchCollection.Name)]
public sealed class RankTrainingTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(nameof(CombineRule.Gradmag), false)]
    [InlineData(nameof(CombineRule.Gradnorm), false)]
    [InlineData(nameof(CombineRule.Gradmag), true)]
    [InlineData(nameof(CombineRule.Fixed), false)]
    public async Task One_two_and_four_ranks_leave_the_same_bytes(string ruleName, bool pcgrad)
    {
        CombineRule rule = Enum.Parse<CombineRule>(ruleName);
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(24), options: new() { HiddenLayers = [-1] });
        UpdateStudentOptions options = Options() with
        {
            Objectives = new() { Alm = new(), Sft = new(), Latents = new() { Projector = true } },
            Combine = new() { Rule = rule, Pcgrad = pcgrad },
        };
        foreach (int count in new[] { 1, 2, 4 })
            await TrainAsync(definition, options with { To = $"student{count}" }, count);

        Assert.Equal(Files("student1"), Files("student2"));
        Assert.Equal(Files("student1"), Files("student4"));
        Assert.NotEqual(File.ReadAllBytes(_run["student1-initial/model.safetensors"]), File.ReadAllBytes(_run["student1/model.safetensors"]));
    }

    [Fact]
    public async Task A_checkpoint_of_two_ranks_goes_on_with_four_and_with_one()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(24));
        UpdateStudentOptions options = Options();
        await TrainAsync(definition, options with { To = "straight" }, 1);

        await TrainAsync(definition, options with { To = "mixed", Steps = 1 }, 2);
        await TrainAsync(definition, options with { To = "mixed", Steps = 2 }, 4);
        await TrainAsync(definition, options with { To = "mixed" }, 1);

        Assert.Equal(Files("straight"), Files("mixed"));
    }

    [Fact]
    public async Task Shares_of_the_optimizer_leave_the_same_bytes_and_its_checkpoints_go_on_without()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(24), options: new() { HiddenLayers = [-1] });
        UpdateStudentOptions options = Options() with { Objectives = new() { Alm = new(), Latents = new() { Projector = true } } };
        await TrainAsync(definition, options with { To = "whole" }, 1);
        await TrainAsync(definition, options with { To = "shared2", ShardOptimizer = true }, 2);
        await TrainAsync(definition, options with { To = "shared4", ShardOptimizer = true }, 4);
        await TrainAsync(definition, options with { To = "mixed", ShardOptimizer = true, Steps = 1 }, 4);
        await TrainAsync(definition, options with { To = "mixed", Steps = 2 }, 1);
        await TrainAsync(definition, options with { To = "mixed", ShardOptimizer = true }, 2);

        foreach (string other in new[] { "shared2", "shared4", "mixed" })
            Assert.Equal(Files("whole"), Files(other));
    }

    [Fact]
    public async Task Weights_of_sixteen_bits_have_their_float32_copies_where_they_are_updated()
    {
        RunDefinition definition = _run.Definition();
        Example[] examples = [.. await _run.ScoreAsync(definition, TinyRun.Documents(8))];
        StudentBatch[] batches = [.. examples.Chunk(4).Select(rows => new StudentBatch(rows, rows.Max(e => e.Student.Count), default))];
        UpdateStudentOptions options = Options() with { Slots = 2, Objectives = new() { Sft = new() } };
        byte[][] whole = await TrainAsync(1, false), apart = await TrainAsync(2, false), shared = await TrainAsync(2, true);
        Assert.Equal(whole, apart);
        Assert.Equal(whole, shared);

        async Task<byte[][]> TrainAsync(int count, bool share)
        {
            byte[][] weights = [];
            await ThreadRanks.RunAsync(count, async ranks =>
            {
                using TorchDevice device = TestDevice.Create();
                await device.RunAsync(() =>
                {
                    using var scope = torch.NewDisposeScope();
                    using var model = CausalLm.Load(_run.Teacher, _run.Storage, torch.CPU, torch.ScalarType.BFloat16);
                    using LanguageModel student = new(model, TextTokenizer.Load("bytes", _run.Storage), null);
                    UpdateStudentOptions own = options with { ShardOptimizer = share };
                    TrainedParameters.Choose(student, own, 1);
                    using var trainer = new Trainer(
                        own, student, StudentObjectives.Create(own.Objectives, model.Config, RunSite.Of(_run.Context(definition)), () => _run.Teachers.Get(_run.Context(definition)), torch.CPU), null, ranks);
                    for (int step = 0; step < 3; step++)
                        trainer.Step([.. batches.Select((b, i) => new StepPiece(b, trainer.Tables(b), i / (2 / count) == ranks.Rank))], step);
                    trainer.Agree(3);
                    Assert.Equal(!share, trainer.Weights.Count == student.Trainable.Count);
                    if (ranks.Rank == 0)
                        weights = [.. student.Trainable.Select(p => p.Tensor.detach().bytes.ToArray())];
                });
            });
            return weights;
        }
    }

    [Fact]
    public void Shares_are_even_and_every_parameter_is_in_one()
    {
        (string Name, long Size)[] sizes = [.. Enumerable.Range(0, 40).Select(i => ($"p{i}", (long)(1 + (i * 7919 % 101))))];
        OptimizerShares[] shares = [.. ThreadRanks.Create(4).Select(r => new OptimizerShares(r, sizes, true))];
        Assert.All(sizes, s => Assert.Single(shares, share => share.IsMine(s.Name)));
        Assert.InRange(shares[0].Largest, sizes.Sum(s => s.Size) / 4, (sizes.Sum(s => s.Size) / 4) + 101);
        Assert.All(sizes, s => Assert.True(new OptimizerShares(ThreadRanks.Create(4)[3], sizes, false).IsMine(s.Name)));
    }

    [Fact]
    public async Task A_stop_that_one_rank_hears_of_stops_all_after_the_same_step()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(24));
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        int stopped = 0;
        await ThreadRanks.RunAsync(2, async ranks =>
        {
            InterruptedException e = await Assert.ThrowsAsync<InterruptedException>(
                () => _run.TrainAsync(definition, "shards", Options(), ranks: ranks, stop: ranks.Rank == 1 ? stop.Token : default));
            Assert.True(e.IsAgreed);
            Assert.Contains("after step 1 of 3", e.Message, StringComparison.Ordinal);
            Interlocked.Increment(ref stopped);
        });
        Assert.Equal(2, stopped);
    }

    [Fact]
    public async Task Slots_are_a_share_of_the_step_and_not_another_sum()
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(24));
        UpdateStudentOptions options = Options() with { Steps = 1, CheckpointEvery = 1 };
        await TrainAsync(definition, options with { To = "slots" }, 2);
        await TrainAsync(definition, options with { To = "one", Slots = 1, Accumulate = 4 }, 1);
        using SafetensorsFile slots = SafetensorsFile.Open(_run["slots/model.safetensors"], _run.Storage);
        using SafetensorsFile one = SafetensorsFile.Open(_run["one/model.safetensors"], _run.Storage);
        foreach (var entry in one.Entries)
            Assert.True(slots.View(entry.Name).allclose(one.View(entry.Name), rtol: 1e-3, atol: 1e-5), entry.Name);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 1)]
    [InlineData(2, 4)]
    public async Task Ranks_that_do_not_divide_the_slots_are_refused(int slots, int count)
    {
        RunDefinition definition = _run.Definition();
        await _run.WriteShardsAsync(definition, "shards", TinyRun.Documents(4));
        DefinitionException e = await Assert.ThrowsAsync<DefinitionException>(() => TrainAsync(definition, Options() with { Slots = slots }, count));
        Assert.Contains($"'slots' is {slots}", e.Message, StringComparison.Ordinal);
    }

    private static UpdateStudentOptions Options() => new()
    {
        To = "student",
        Steps = 3,
        Slots = 4,
        LearningRate = 5e-3,
        Decay = ScheduleKind.Constant,
        CheckpointEvery = 1,
        KeepCheckpoints = 1,
        Objectives = new() { Alm = new(), Sft = new() },
    };

    private Task TrainAsync(RunDefinition definition, UpdateStudentOptions options, int count)
        => ThreadRanks.RunAsync(count, ranks => _run.TrainAsync(definition, "shards", options, batchTokens: 300, ranks: ranks));

    private SortedDictionary<string, string> Files(string to)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string folder in new[] { _run[to], _run[$"checkpoints/{to}"] })
        {
            foreach (string path in Directory.GetFiles(folder, "*.safetensors", SearchOption.AllDirectories).Concat(Directory.GetFiles(folder, "state.json", SearchOption.AllDirectories)))
                files[Path.GetRelativePath(folder, path)] = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)));
        }
        return files;
    }
}
