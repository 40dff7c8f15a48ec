using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Student;
using Pipeline.Stages.Tests.Shards;

namespace Pipeline.Stages.Tests.Batching;

public sealed class BatchStreamTests
{
    private readonly TestContext _context = new(new DiskStorage(), "/nowhere");

    [Fact]
    public async Task Every_example_is_in_one_batch_within_the_budget_and_its_window()
    {
        List<StudentBatch> batches = await RunAsync(100);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (long)i), batches.SelectMany(b => b.Examples).Select(e => e.Id.Row).Order());
        Assert.All(batches, b => Assert.InRange(b.Examples.Length * b.Length, 1, 120));
        Assert.All(batches, b => Assert.Single(b.Examples.Select(e => e.Id.Row / 16).Distinct()));
        Assert.All(batches, b => Assert.Equal(b.Examples.Max(e => e.Student.Count), b.Length));
        Assert.Equal(new StreamPosition(100, 0), batches[^1].Next);
    }

    [Fact]
    public async Task The_order_of_a_windows_batches_depends_on_the_seed_and_the_window_alone()
    {
        long[][] first = await RowsAsync(64);
        Assert.Equal(first, await RowsAsync(64));
        _context.Seed++;
        long[][] other = await RowsAsync(64);
        Assert.NotEqual(first, other);
        Assert.Equal(first.Select(Key).Order(), other.Select(Key).Order());

        static string Key(long[] rows) => string.Join(',', rows);
    }

    [Fact]
    public async Task Every_position_goes_on_with_the_batches_that_were_left()
    {
        List<StudentBatch> all = await RunAsync(70);
        for (int k = 0; k < all.Count; k++)
        {
            StreamPosition at = all[k].Next;
            List<StudentBatch> rest = await RunAsync(70, at);
            Assert.Equal(all.Skip(k + 1).Select(Rows), rest.Select(Rows));
            Assert.Equal(all.Skip(k + 1).Select(b => b.Next), rest.Select(b => b.Next));
        }
    }

    [Fact]
    public async Task An_example_above_the_budget_is_rejected_and_moves_no_window()
    {
        List<StudentBatch> batches = await RunAsync(40, tokens: 21);
        Assert.Equal(40, batches.Sum(b => b.Examples.Length) + _context.Rejected.Count);
        Assert.NotEmpty(_context.Rejected);
        Assert.All(_context.Rejected, r => Assert.Equal("longer than a batch", r.Reason));
        Assert.Equal(new StreamPosition(40, 0), batches[^1].Next);
    }

    private static long[] Rows(StudentBatch batch) => [.. batch.Examples.Select(e => e.Id.Row)];

    private async Task<long[][]> RowsAsync(int count) => [.. (await RunAsync(count)).Select(Rows)];

    private async Task<List<StudentBatch>> RunAsync(int count, StreamPosition at = default, int tokens = 120)
    {
        var stage = Made.Batch(new BatchOptions { Tokens = tokens, Window = 16 }, _context.For() with { Resume = at });
        IEnumerable<OrderedExample> examples = Enumerable.Range((int)at.Window, count - (int)at.Window).Select(i =>
        {
            int length = 3 + (i * 7 % 23);
            return new OrderedExample(i, new Example(new DocumentId(1, i, 0), "", new TokenSequence(new int[length], new int[length]), null, []));
        });
        return await stage.RunAsync(TestContext.Stream(examples), default).ToListAsync();
    }
}
