using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Graph;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Tests.Graph;

/// <summary>The traps of TPL Dataflow, each of which loses records or hangs when it is not handled.</summary>
public sealed class GraphBuilderTests : IDisposable
{
    // Long enough for any machine; a graph that hangs fails instead of stopping the suite.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly RejectFile _rejects;

    public GraphBuilderTests() => _rejects = new RejectFile(new DiskStorage(), _folder["rejects.jsonl"]);

    public void Dispose()
    {
        _rejects.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public async Task Records_keep_their_order_and_number_at_any_parallelism(int parallelism)
    {
        var sink = new Collect<Number>();

        IReadOnlyList<StageCounts> counts = await RunAsync(
            Numbers(2000), new Map<Number, Number>(n => Uneven(n, n % 3 == 0 ? [] : [n, -(int)n])), sink, parallelism);

        Assert.Equal(Enumerable.Range(0, 2000).Where(n => n % 3 != 0).SelectMany(n => new[] { n, -n }), sink.Records.Select(n => n.Value));
        Assert.Equal([2000, 2000, 2666], counts.Select(c => c.In));
        Assert.Equal([2000, 2666, 0], counts.Select(c => c.Out));
        Assert.All(counts, c => Assert.Equal(c.In, c.Passed + c.Rejected));
    }

    [Fact]
    public async Task A_map_that_throws_OperationCanceledException_loses_no_record_without_a_word()
    {
        DefectException error = await Assert.ThrowsAsync<DefectException>(() => RunAsync(
            Numbers(10), new Map<Number, Number>(n => n == 4 ? throw new OperationCanceledException("inner time-out") : [n]), new Collect<Number>()));

        Assert.Contains("inner time-out", error.Message, StringComparison.Ordinal);
        Assert.Contains("maxFailedRecords is 0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_a_source_and_a_sink_that_throw_OperationCanceledException_fail_by_name()
    {
        static async IAsyncEnumerable<Number> CancelledAsync()
        {
            yield return 1;
            await Task.Yield();
            throw new OperationCanceledException("inner time-out");
        }

        DefectException source = await Assert.ThrowsAsync<DefectException>(() => RunAsync(
            new Source<Number>(_ => CancelledAsync()), Same, new Collect<Number>()));
        DefectException sink = await Assert.ThrowsAsync<DefectException>(() => RunAsync(
            Numbers(10), Same, new Sink<Number>((_, _) => throw new OperationCanceledException("inner time-out"))));
        using var builder = Builder(2);
        builder.AddSource(Place("source"), Numbers(10));
        builder.AddStream(Place("window"), new Stream<Number, Number>((_, _) => CancelledAsync()));
        builder.AddSink(Place("sink"), new Collect<Number>());
        DefectException stream = await Assert.ThrowsAsync<DefectException>(() => builder.RunAsync().WaitAsync(Patience));

        Assert.Contains("stage 'source'", source.Message, StringComparison.Ordinal);
        Assert.Contains("stage 'sink'", sink.Message, StringComparison.Ordinal);
        Assert.Contains("stage 'window'", stream.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_send_that_a_queue_refuses_is_an_error()
    {
        using var cancelled = new CancellationTokenSource();
        var edge = new Edge<Number>(Meter("first"), new QueueBounds(4, 1000), cancelled.Token);
        edge.Complete();

        DefectException error = await Assert.ThrowsAsync<DefectException>(() => edge.SendAsync(1, CancellationToken.None));

        Assert.Contains("'first'", error.Message, StringComparison.Ordinal);
        Assert.Contains("refused", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_queue_is_not_the_end_of_the_input()
    {
        using var producer = new CancellationTokenSource();
        var edge = new Edge<Number>(Meter("first"), new QueueBounds(4, 1000), producer.Token);
        await edge.SendAsync(1, CancellationToken.None);
        await producer.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (int _ in edge.ReadAsync(Meter("second"), CancellationToken.None))
            {
            }
        });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task A_fault_downstream_ends_a_source_that_waits_to_send(int parallelism)
    {
        bool ended = false;
        async IAsyncEnumerable<Number> EndlessAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken token)
        {
            try
            {
                for (int i = 0; ; i++)
                {
                    await Task.Yield();
                    token.ThrowIfCancellationRequested();
                    yield return i;
                }
            }
            finally
            {
                ended = true;
            }
        }

        DefectException error = await Assert.ThrowsAsync<DefectException>(() => RunAsync(
            new Source<Number>(EndlessAsync),
            Same,
            new Sink<Number>(async (input, token) =>
            {
                await foreach (int n in input.WithCancellation(token))
                {
                    if (n == 3)
                        throw new InvalidOperationException("the sink broke");
                }
            }),
            parallelism));

        Assert.Contains("the sink broke", error.Message, StringComparison.Ordinal);
        Assert.True(ended);
    }

    [Fact]
    public async Task A_record_that_becomes_a_million_is_handed_over_as_the_queue_takes_them()
    {
        var made = new CountingList(1_000_000);
        int ahead = 0;

        await RunAsync(
            Numbers(1),
            new Map<Number, Number>(_ => made),
            new Sink<Number>(async (input, token) =>
            {
                int taken = 0;
                await foreach (int _ in input.WithCancellation(token))
                {
                    taken++;
                    if (taken % 1000 == 1)
                        ahead = Math.Max(ahead, made.Read - taken);
                }
            }));

        Assert.InRange(ahead, 0, QueueBounds.Default.Records + 2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public async Task A_slow_sink_holds_the_source_back(int parallelism)
    {
        int read = 0;
        async IAsyncEnumerable<Number> CountedAsync()
        {
            for (int i = 0; i < 5000; i++)
            {
                await Task.Yield();
                Interlocked.Increment(ref read);
                yield return i;
            }
        }
        int ahead = 0;

        await RunAsync(
            new Source<Number>(_ => CountedAsync()),
            Same,
            new Sink<Number>(async (input, token) =>
            {
                int taken = 0;
                await foreach (int _ in input.WithCancellation(token))
                {
                    taken++;
                    if (taken % 500 == 0)
                        await Task.Delay(20, token);
                    ahead = Math.Max(ahead, Volatile.Read(ref read) - taken);
                }
            }),
            parallelism);

        // Two queues, the map's own bound, and one in each hand.
        Assert.InRange(ahead, 1, (2 * QueueBounds.Default.Records) + (2 * parallelism) + 3);
    }

    [Fact]
    public async Task Queues_are_bounded_by_bytes_too()
    {
        int read = 0;
        async IAsyncEnumerable<TextDocument> LargeAsync()
        {
            for (int i = 0; i < 40; i++)
            {
                await Task.Yield();
                Interlocked.Increment(ref read);
                yield return new TextDocument(new DocumentId(1, i, 0), new string('x', 300));
            }
        }
        int ahead = 0;
        using var builder = new GraphBuilder(new GraphSettings(1, new QueueBounds(64, 2000)), new FailedRecords(0), CancellationToken.None);
        builder.AddSource(Place("source"), new Source<TextDocument>(_ => LargeAsync()));
        builder.AddSink(Place("sink"), new Sink<TextDocument>(async (input, token) =>
        {
            int taken = 0;
            await foreach (TextDocument _ in input.WithCancellation(token))
            {
                taken++;
                if (taken % 10 == 0)
                    await Task.Delay(20, token);
                ahead = Math.Max(ahead, Volatile.Read(ref read) - taken);
            }
        }));

        await builder.RunAsync().WaitAsync(Patience);

        Assert.InRange(ahead, 1, 5);
    }

    [Fact]
    public async Task A_record_heavier_than_the_bound_goes_through_alone()
    {
        var sink = new Collect<TextDocument>();
        using var builder = new GraphBuilder(new GraphSettings(1, new QueueBounds(64, 100)), new FailedRecords(0), CancellationToken.None);
        builder.AddSource(Place("source"), new Source<TextDocument>(_ => Enumerable.Range(0, 5)
            .Select(i => new TextDocument(new DocumentId(1, i, 0), new string('x', 5000))).ToAsyncEnumerable()));
        builder.AddSink(Place("sink"), sink);

        await builder.RunAsync().WaitAsync(Patience);

        Assert.Equal(5, sink.Records.Count);
    }

    [Fact]
    public async Task A_sink_that_leaves_input_unread_is_a_defect_unless_it_may()
    {
        DefectException error = await Assert.ThrowsAsync<DefectException>(() => RunAsync(Numbers(1000), Same, new Sink<Number>(TakeThreeAsync)));
        IReadOnlyList<StageCounts> counts = await RunAsync(Numbers(1000), Same, new EarlySink<Number>(TakeThreeAsync));

        Assert.Contains("ended before its input did", error.Message, StringComparison.Ordinal);
        Assert.Equal(3, counts[2].In);
        Assert.Equal(counts[1].Out, counts[2].In + counts[2].Unread);

        static async Task TakeThreeAsync(IAsyncEnumerable<Number> input, CancellationToken token)
        {
            int taken = 0;
            await foreach (int _ in input.WithCancellation(token))
            {
                if (++taken == 3)
                    return;
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_queue_that_was_complete_and_full_when_its_consumer_left_hangs_nobody(bool fails)
    {
        var read = new TaskCompletionSource();
        async IAsyncEnumerable<Number> FewAsync()
        {
            for (int i = 0; i < 20; i++)
                yield return i;
            await Task.Yield();
            read.SetResult();
        }
        using var builder = Builder(2);
        builder.AddSource(Place("source"), new Source<Number>(_ => FewAsync()));
        builder.AddMap(Place("map"), Same);
        builder.AddSink(Place("sink"), new EarlySink<Number>(async (input, token) =>
        {
            await read.Task;
            await foreach (int _ in input.WithCancellation(token))
                break;
            await Task.Delay(50, token);
            if (fails)
                throw new InvalidOperationException("the sink broke");
        }));

        Task<IReadOnlyList<StageCounts>> running = builder.RunAsync().WaitAsync(Patience);

        if (fails)
            await Assert.ThrowsAsync<DefectException>(() => running);
        else
            Assert.Equal(1, (await running)[2].In);
    }

    [Fact]
    public async Task A_stream_that_ends_early_stops_what_is_before_it_and_not_what_is_behind()
    {
        var sink = new Collect<Number>();
        using var builder = Builder(2);
        builder.AddSource(Place("source"), Numbers(100_000_000));
        builder.AddStream(Place("take"), new EarlyStream<Number, Number>((input, _) => TakeAsync(input, 500)));
        builder.AddMap(Place("map"), Same);
        builder.AddSink(Place("sink"), sink);

        IReadOnlyList<StageCounts> counts = await builder.RunAsync().WaitAsync(Patience);

        Assert.Equal(Enumerable.Range(0, 500), sink.Records.Select(n => n.Value));
        Assert.Equal(500, counts[3].In);
        Assert.Equal(0, counts[3].Unread);
    }

    [Fact]
    public async Task Cancelling_the_run_ends_every_stage_and_says_so()
    {
        using var run = new CancellationTokenSource();
        var entered = new TaskCompletionSource();
        using var builder = new GraphBuilder(new GraphSettings(2), new FailedRecords(0), run.Token);
        builder.AddSource(Place("source"), Numbers(int.MaxValue));
        builder.AddSink(Place("sink"), new Sink<Number>(async (input, token) =>
        {
            await foreach (int _ in input.WithCancellation(token))
                entered.TrySetResult();
        }));
        Task<IReadOnlyList<StageCounts>> running = builder.RunAsync();
        await entered.Task.WaitAsync(Patience);
        await run.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(Patience));
    }

    [Fact]
    public async Task An_error_that_a_user_can_act_on_leaves_a_map_as_it_is()
    {
        InputException error = await Assert.ThrowsAsync<InputException>(() => RunAsync(
            Numbers(10), new Map<Number, Number>(_ => throw new InputException("the model is damaged")), new Collect<Number>(), failures: new FailedRecords(1000)));

        Assert.Equal("the model is damaged", error.Message);
    }

    [Fact]
    public async Task Records_that_fail_below_the_limit_are_counted_and_kept_with_their_cause()
    {
        var sink = new Collect<Number>();

        IReadOnlyList<StageCounts> counts = await RunAsync(
            Numbers(100), new Map<Number, Number>(n => n % 25 == 7 ? throw new FormatException($"poison {n}") : [n]), sink, failures: new FailedRecords(4));
        _rejects.Dispose();
        string[] lines = await File.ReadAllLinesAsync(_folder["rejects.jsonl"]);

        Assert.Equal(96, sink.Records.Count);
        Assert.Equal(4, counts[1].Failed);
        Assert.Equal(4, counts[1].Rejected);
        Assert.Equal(96, counts[1].Passed);
        Assert.Equal(4, lines.Length);
        Assert.All(lines, l => Assert.Contains("FormatException: poison", l, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Above_the_limit_the_run_fails_and_names_the_first_ten_in_order()
    {
        DefectException error = await Assert.ThrowsAsync<DefectException>(() => RunAsync(
            Texts(100), new Map<TextDocument, Number>(d => throw new FormatException($"poison {d.Id.Row}")), new Collect<Number>(), parallelism: 8, failures: new FailedRecords(14)));

        Assert.Contains("15 record(s) failed", error.Message, StringComparison.Ordinal);
        for (int i = 0; i < 10; i++)
            Assert.Contains($"{new DocumentId(5, i, 0)} in stage 'map': FormatException: poison {i}", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("poison 10", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_map_is_never_running_when_the_graph_has_ended()
    {
        int running = 0;
        await Assert.ThrowsAsync<DefectException>(() => RunAsync(
            Numbers(100),
            new Map<Number, Number>(n =>
            {
                Interlocked.Increment(ref running);
                Thread.Sleep(n == 0 ? 0 : 50);
                Interlocked.Decrement(ref running);
                return n == 0 ? throw new FormatException("first") : [n];
            }),
            new Collect<Number>(),
            parallelism: 4));

        Assert.Equal(0, Volatile.Read(ref running));
    }

    private static Map<Number, Number> Same { get; } = new(n => [n]);

    private async Task<IReadOnlyList<StageCounts>> RunAsync<TIn, TOut>(
        ISource<TIn> source, IMap<TIn, TOut> map, ISink<TOut> sink, int parallelism = 2, FailedRecords? failures = null)
        where TIn : IRecord
        where TOut : IRecord
    {
        using GraphBuilder builder = Builder(parallelism, failures);
        builder.AddSource(Place("source"), source);
        builder.AddMap(Place("map"), map);
        builder.AddSink(Place("sink"), sink);
        return await builder.RunAsync().WaitAsync(Patience);
    }

    private static GraphBuilder Builder(int parallelism, FailedRecords? failures = null)
        => new(new GraphSettings(parallelism), failures ?? new FailedRecords(0), CancellationToken.None);

    private static StageMeter Meter(string stage) => new("flow", stage, NoScalars.Instance, _ => { });

    private GraphPlace Place(string stage)
    {
        StageMeter meter = Meter(stage);
        return new GraphPlace(stage, meter, new StageRejects(meter, _rejects, null));
    }

    private static Number[] Uneven(int n, Number[] result)
    {
        Thread.SpinWait(n * 7919 % 13 * 500);
        return result;
    }

    private static Source<Number> Numbers(int count) => new(token => NumbersAsync(count, token));

    private static async IAsyncEnumerable<Number> NumbersAsync(int count, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken token)
    {
        for (int i = 0; i < count; i++)
        {
            if (i % 100 == 0)
                await Task.Yield();
            token.ThrowIfCancellationRequested();
            yield return i;
        }
    }

    private static Source<TextDocument> Texts(int count)
        => new(_ => Enumerable.Range(0, count).Select(i => new TextDocument(new DocumentId(5, i, 0), "text")).ToAsyncEnumerable());

    private static async IAsyncEnumerable<Number> TakeAsync(IAsyncEnumerable<Number> input, int count)
    {
        int taken = 0;
        await foreach (int n in input)
        {
            yield return n;
            if (++taken == count)
                yield break;
        }
    }

    private sealed class CountingList(int count) : IReadOnlyList<Number>
    {
        private int _read;

        public int Read => Volatile.Read(ref _read);

        public int Count => count;

        public Number this[int index]
        {
            get
            {
                Interlocked.Increment(ref _read);
                return index;
            }
        }

        public IEnumerator<Number> GetEnumerator() => throw new InvalidOperationException("read by index");

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
