using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Shards;

namespace Pipeline.Stages.Tests.Shards;

public sealed class ReadShardsSourceTests : IAsyncLifetime, IDisposable
{
    private const int Shards = 3;
    private const int PerShard = 23;
    private readonly TemporaryFolder _folder = new();
    private readonly CountingStorage _storage = new(new DiskStorage());
    private readonly TestContext _context;

    public ReadShardsSourceTests() => _context = new TestContext(_storage, _folder.Path);

    public async Task InitializeAsync()
    {
        for (int i = 0; i < Shards; i++)
        {
            using var stage = Made.WriteShards(new WriteShardsOptions { To = "out", Count = Shards, BlockRecords = 4 }, _context.For(new Partition(i, Shards)));
            await stage.RunAsync(TestContext.Stream(Enumerable.Range(i * PerShard, PerShard).Select(r => ExampleSamples.Realistic(r, words: 5))), default);
            stage.Commit();
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Without_shuffling_the_order_is_that_of_the_input()
    {
        List<OrderedExample> read = await ReadAsync(new() { From = ["run:out"], Shuffle = false, Epochs = 2 });
        long[] rows = [.. Enumerable.Range(0, Shards * PerShard).Select(i => (long)i)];
        Assert.Equal([.. rows, .. rows], read.Select(r => r.Example.Id.Row));
        Assert.Equal(Enumerable.Range(0, read.Count).Select(i => (long)i), read.Select(r => r.Index));
    }

    [Fact]
    public async Task Every_epoch_is_a_permutation_of_its_own()
    {
        List<OrderedExample> read = await ReadAsync(new() { From = ["run:out"], Epochs = 3, ShuffleBlocks = 4 });
        long[][] epochs = [.. read.Select(r => r.Example.Id.Row).Chunk(Shards * PerShard)];
        Assert.Equal(3, epochs.Length);
        Assert.All(epochs, e => Assert.Equal(Enumerable.Range(0, Shards * PerShard).Select(i => (long)i), e.Order()));
        Assert.NotEqual(epochs[0], epochs[1]);
        Assert.NotEqual(epochs[1], epochs[2]);
        Assert.NotEqual(epochs[0], epochs[0].Order());
    }

    [Fact]
    public async Task Another_seed_is_another_order_and_the_same_seed_the_same()
    {
        ReadShardsOptions options = new() { From = ["run:out"] };
        long[] first = [.. (await ReadAsync(options)).Select(r => r.Example.Id.Row)];
        long[] again = [.. (await ReadAsync(options)).Select(r => r.Example.Id.Row)];
        _context.Seed = 18;
        long[] other = [.. (await ReadAsync(options)).Select(r => r.Example.Id.Row)];
        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
    }

    [Fact]
    public void The_order_is_fixed_for_good()
        => Assert.Equal([9, 2, 4, 1, 3, 0, 5, 6, 8, 7], new CounterRandom(CounterRandom.Key(17, 0, -1)).Permutation(10));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task From_any_position_on_the_order_is_the_same_as_from_the_start(bool shuffle)
    {
        ReadShardsOptions options = new() { From = ["run:out"], Epochs = 2, ShuffleBlocks = 3, Shuffle = shuffle };
        List<OrderedExample> all = await ReadAsync(options);
        for (int position = 0; position <= all.Count; position++)
        {
            List<OrderedExample> rest = await ReadAsync(options, position);
            Assert.Equal(all.Skip(position).Select(r => (r.Index, r.Example.Id)), rest.Select(r => (r.Index, r.Example.Id)));
        }
    }

    [Fact]
    public async Task What_is_before_the_position_is_not_read()
    {
        ReadShardsOptions options = new() { From = ["run:out"], ShuffleBlocks = 2, Epochs = 1 };
        _storage.Opened = 0;
        await ReadAsync(options, Shards * PerShard);
        int none = _storage.Opened;
        await ReadAsync(options, (Shards * PerShard) - 1);
        Assert.InRange(_storage.Opened - none - none, 1, 2);
    }

    [Fact]
    public async Task Zero_epochs_go_on_for_ever()
    {
        ReadShardsSource stage = Made.ReadShards(new ReadShardsOptions { From = ["run:out"], Epochs = 0 }, _context.For(resumeAt: 1_000_000_000_000), new Dictionary<string, string>());
        long expected = 1_000_000_000_000;
        await foreach (OrderedExample example in stage.ReadAsync(default))
        {
            Assert.Equal(expected++, example.Index);
            if (expected == 1_000_000_000_300)
                break;
        }
    }

    [Fact]
    public async Task A_name_that_this_definition_writes_to_is_below_the_run_folder()
    {
        ReadShardsSource stage = Made.ReadShards(new ReadShardsOptions { From = ["out"], Shuffle = false }, _context.For(writesTo: "out"), new Dictionary<string, string>());
        int count = 0;
        await foreach (OrderedExample _ in stage.ReadAsync(default))
            count++;
        Assert.Equal(Shards * PerShard, count);
        Assert.Equal("bytes", stage.Fingerprint["student tokenizer"]);
    }

    [Fact]
    public async Task Shards_of_another_tokenizer_are_refused_by_name()
    {
        _context.Parts["student tokenizer"] = "gpt2";
        InputException e = await Assert.ThrowsAsync<InputException>(() => ReadAsync(new() { From = ["run:out"] }));
        Assert.Contains("student tokenizer is 'bytes', this run expects 'gpt2'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_permutation_of_a_few_is_about_as_frequent()
    {
        int[] counts = new int[24];
        for (int key = 0; key < 24_000; key++)
        {
            int[] p = new CounterRandom(CounterRandom.Key(1, key, 2)).Permutation(4);
            counts[(p[0] * 6) + (p[1] > p[0] ? p[1] - 1 : p[1]) * 2 + (p[2] > p[3] ? 1 : 0)]++;
        }
        Assert.All(counts, c => Assert.InRange(c, 850, 1150));
    }

    private async Task<List<OrderedExample>> ReadAsync(ReadShardsOptions options, long position = 0)
    {
        var read = new List<OrderedExample>();
        await foreach (OrderedExample example in Made.ReadShards(options, _context.For(resumeAt: position), _context.Parts).ReadAsync(default))
            read.Add(example);
        return read;
    }
}
