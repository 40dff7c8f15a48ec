using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Progress;
using Pipeline.Host.Runs;
using Pipeline.Host.Runs.Parts;

namespace Pipeline.Host.Tests.Runs;

public sealed class WorkMarkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_mark_says_how_far_its_process_is_and_goes_with_it()
    {
        var storage = new DiskStorage();
        var time = new TickedTime();
        var flow = new FlowMeter("judge", ["read", "evaluate"], [StageRole.Source, StageRole.Sink], 0);
        StageMeter[] meters = [new("judge", "read", NoScalars.Instance, _ => { }), new("judge", "evaluate", NoScalars.Instance, _ => { })];
        flow.Begin(meters);
        using (WorkMark.OfFlow(storage, _folder.Path, flow, time))
        {
            (ProcessIdentity owner, string path) = Assert.Single(WorkMark.OfFlow(storage, _folder.Path, "judge"));
            Assert.Equal(ProcessIdentity.Current, owner);
            Assert.Empty(WorkMark.OfFlow(storage, _folder.Path, "train"));
            Assert.Null(WorkMark.Read(storage, path));

            for (int i = 0; i < 7; i++)
                meters[0].HandedOver();
            meters[1].Count(Rates.TokenCount, 300);
            meters[1].Progress(2, 8);
            meters[1].Progress(5, 8);
            time.Tick(TimeSpan.FromSeconds(30));
            Assert.Equal(new LiveCounts(30, 7, 300, 2, 5, 8), WorkMark.Read(storage, path));
        }
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Time_left_comes_from_parts_steps_or_what_is_being_done()
    {
        RunningPart Running(int? part, long done) => new(part, "p", TimeSpan.Zero, new LiveCounts(30, 7, 300, 0, done, 8));
        var parts = new FlowStatus("score", false, 10, 4, [Running(4, 4), Running(5, 0)], [], 1, 1, 40, null);
        var first = new FlowStatus("score", false, 10, 0, [Running(0, 2)], [], 0, 0, 0, null);
        var steps = new FlowStatus("distill", false, null, 0, [Running(null, 2)], [], 0, 0, 0, 30) { OfSteps = 50, SecondsPerStep = 2 };
        var judge = new FlowStatus("judge", false, null, 0, [Running(null, 2)], [], 0, 0, 0, null);

        Assert.Equal(10 * (6 - 0.5) / 2, parts.SecondsLeft);
        Assert.Equal(120 * (10 - 0.25), first.SecondsLeft);
        Assert.Equal(40, steps.SecondsLeft);
        Assert.Equal(90, judge.SecondsLeft);
        Assert.Null((judge with { Running = [] }).SecondsLeft);
        Assert.Null((parts with { Done = true }).SecondsLeft);
    }

    /// <summary>Time that stands still until it is told to go on.</summary>
    private sealed class TickedTime : TimeProvider
    {
        private long _now;
        private Action _tick = () => { };

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _tick = () => callback(state);
            return System.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        public void Tick(TimeSpan span)
        {
            _now += span.Ticks;
            _tick();
        }
    }
}
