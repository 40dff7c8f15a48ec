using System.Diagnostics;
using System.Globalization;
using Pipeline.Contracts.Errors;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>
/// Reads the files of one seed after another: each is accepted or refused by name, within a bound of memory, and no try hangs. The seed
/// in hand is in a file, for the one end that nothing in a process can report.
/// </summary>
internal sealed class FuzzRun : IDisposable
{
    // Nothing here takes more than a second on an idle machine, but for a pattern that is stopped after 20: what takes longer hangs.
    // Counted in ticks of our own, so that a process that somebody stopped for a while does not hang.
    private const int HangTicks = 36;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(5);

    private readonly FuzzTarget _target;
    private readonly FileStream _inHand;
    private readonly Timer _watch;
    private long _seed;
    private int _ticks;

    public FuzzRun(FuzzTarget target)
    {
        _target = target;
        _inHand = new FileStream(Path.Combine(Path.GetTempPath(), $"alm-fuzz-{target.Name}-{Environment.ProcessId}.seed"), FileMode.Create);
        _watch = new Timer(_ => FailWhenHanging(), null, Tick, Tick);
    }

    public string SeedFile => _inHand.Name;

    public int Tried { get; private set; }

    public int Accepted { get; private set; }

    public long MostAllocated { get; private set; }

    public (int Seed, TimeSpan Took) Slowest { get; private set; }

    /// <exception cref="InvalidOperationException">Something else came than a result or a refusal; the message names the seed.</exception>
    public void Try(int seed)
    {
        RandomAccess.Write(_inHand.SafeFileHandle, System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{seed,12}\n")), 0);
        Interlocked.Exchange(ref _seed, seed);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        Interlocked.Exchange(ref _ticks, 0);
        try
        {
            _target.Read(seed);
            Accepted++;
        }
        catch (AlmException e) when (e.Message.Length > 0)
        {
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed} of {_target.Name}: {e.GetType().Name}: {e.Message}", e);
        }
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        if (took > Slowest.Took)
            Slowest = (seed, took);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        MostAllocated = Math.Max(MostAllocated, allocated);
        if (allocated > _target.MostBytesAllocated)
            throw new InvalidOperationException($"seed {seed} of {_target.Name} took {allocated} bytes, at most {_target.MostBytesAllocated} are allowed");
        Tried++;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{_target.Name}: {Tried} files, {Accepted} accepted, {Tried - Accepted} refused; at most {MostAllocated / 1048576.0:F1} MiB allocated; slowest seed {Slowest.Seed}, {Slowest.Took.TotalMilliseconds:F0} ms");

    public void Dispose()
    {
        _watch.Dispose();
        _inHand.Dispose();
        File.Delete(_inHand.Name);
    }

    private void FailWhenHanging()
    {
        if (Interlocked.Increment(ref _ticks) > HangTicks)
            Environment.FailFast(string.Create(CultureInfo.InvariantCulture, $"seed {Interlocked.Read(ref _seed)} of {_target.Name} hangs"));
    }
}
