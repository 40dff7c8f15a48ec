using System.Diagnostics;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.FaultTests.Runs;

namespace Pipeline.FaultTests.Soak;

/// <summary>
/// Scoring and updating in a loop for as long as asked, one process at a time: the real program killed at random moments and run again
/// until it ends, one process that stays and makes the whole run again and again, and long runs with a look at what they hold every
/// second. Every result is compared with that of a run nobody disturbed, whose hashes are kept here. Seen with
/// <c>dotnet Pipeline.FaultTests.dll soak --minutes 60</c>.
/// </summary>
internal sealed class SoakRun : IDisposable
{
    private const int LongDocuments = 150_000;
    private const int LongSteps = 15_000;
    // Lives are counted in time on the processor: on a busy machine a process would else be killed before it has begun, again and again.
    private static readonly TimeSpan WholeRun = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan KillTime = TimeSpan.FromMinutes(3);

    private readonly TimeSpan _time;
    private readonly TextWriter _output;
    private readonly Random _random = new(6);
    private readonly TinyJob _job = new();
    private readonly Dictionary<string, SortedDictionary<string, string>> _expected = [];
    private readonly SampleSeries _resident = new();
    private readonly string _long;
    private readonly long _start = Stopwatch.GetTimestamp();
    private AlmChild? _child;
    private int _kills, _wholeRuns, _residentRuns, _longRuns, _failures;

    public SoakRun(TimeSpan time, TextWriter output)
    {
        _time = time;
        _output = output;
        _long = _job.Write("soak.json", _job.Text(corpus: _job.WriteCorpus("soak.jsonl", LongDocuments), steps: LongSteps, checkpointEvery: 2_500, blockRecords: 64));
        _expected[_job.Definition] = _job.Expected;
    }

    /// <returns>0 when every result was the expected one, every process ended as it should and nothing grew.</returns>
    public int Run()
    {
        // The first, whose result all others are compared with.
        LongRun(kills: 0);
        while (Stopwatch.GetElapsedTime(_start) < _time)
        {
            KilledRuns();
            LongRun(kills: 3);
            KilledRuns();
            LongRun(kills: 0);
        }
        _child?.Dispose();
        Say($"{_kills} kills over {_wholeRuns} whole runs and {_longRuns} long ones, {_residentRuns} whole runs in the process that stayed: {_failures} of them went wrong");
        Say($"the process that stayed: {_resident}");
        Say($"processor time of everything here: {ChildSeconds():F0} s");
        return _failures == 0 ? ExitCodes.Success : ExitCodes.Defect;
    }

    // Of children that were waited for, user and system, in ticks of 10 ms: fields 16 and 17 of /proc/self/stat, counted behind the name.
    private static double ChildSeconds()
    {
        if (!OperatingSystem.IsLinux())
            return 0;
        string stat = File.ReadAllText("/proc/self/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[13], CultureInfo.InvariantCulture) + long.Parse(fields[14], CultureInfo.InvariantCulture)) / 100.0;
    }

    public void Dispose()
    {
        _child?.Dispose();
        _job.Dispose();
    }

    // Short runs, so that kills meet every part of one; between them the process that stays makes the same run.
    private void KilledRuns()
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < KillTime)
        {
            string folder = _job.NewFolder("killed");
            while (!Started(_job.Definition, folder, _random.NextDouble() * WholeRun, null))
            {
            }
            Check(_job.Definition, folder, "a killed run");
            _wholeRuns++;
            RunInResident();
        }
        Say($"{_kills} kills over {_wholeRuns} whole runs so far, {_residentRuns} in the process that stays: {_resident}");
    }

    // A few minutes each: scoring, then thousands of steps.
    private void LongRun(int kills)
    {
        string folder = _job.NewFolder("long");
        SampleSeries scoring = new(), training = new();
        int killed = 0;
        while (true)
        {
            TimeSpan? life = killed < kills ? TimeSpan.FromSeconds(2 + (_random.NextDouble() * 60)) : null;
            if (Started(_long, folder, life, id => (File.Exists(Path.Combine(folder, "metrics.jsonl")) ? training : scoring).Add(ProcessSample.Of(id))))
                break;
            killed++;
        }
        _longRuns++;
        if (kills == 0)
        {
            Say($"scoring, {LongDocuments} documents: {scoring}");
            Say($"training, {LongSteps} steps: {training}");
        }
        Check(_long, folder, "a long run");
    }

    /// <summary>Starts the real program; kills it when it has had so much time on the processor.</summary>
    /// <returns>Whether it came to its end.</returns>
    private bool Started(string definition, string folder, TimeSpan? life, Action<int>? sample)
    {
        using AlmChild child = AlmChild.Run(TinyJob.Arguments(definition, folder));
        long sampled = Stopwatch.GetTimestamp();
        while (!child.HasExited && (life is null || child.ProcessorTime < life))
        {
            Thread.Sleep(life is null || sample is not null ? 100 : 5);
            if (sample is not null && Stopwatch.GetElapsedTime(sampled) > TimeSpan.FromSeconds(1))
            {
                sampled = Stopwatch.GetTimestamp();
                sample(child.Id);
            }
        }
        if (!child.HasExited)
        {
            AlmEnd killed = child.Kill();
            _kills++;
            if (killed.Code == AlmEnd.Killed)
                return false;
            return Judge(killed);
        }
        return Judge(child.End());
    }

    private bool Judge(AlmEnd end)
    {
        if (end.Code == ExitCodes.Success)
            return true;
        _failures++;
        Say($"a process ended by itself: {end}");
        return false;
    }

    private void RunInResident()
    {
        string folder = _job.NewFolder("resident");
        if (_child is null or { HasExited: true })
        {
            if (_child is not null)
                Judge(_child.End());
            _child?.Dispose();
            _child = AlmChild.Resident();
        }
        int before = Answers();
        _child.Write($"{_job.Definition}\t{folder}");
        while (!_child.HasExited && Answers() == before)
            Thread.Sleep(20);
        _resident.Add(ProcessSample.Of(_child.Id));
        Check(_job.Definition, folder, "a run in the process that stays");
        _residentRuns++;
        if (_residentRuns % 50 == 1)
            Say($"after {_residentRuns} runs in one process: {ProcessSample.Of(_child.Id)}");
    }

    private int Answers() => _child!.Output.Split('\n').Count(l => l.StartsWith(Resident.Done, StringComparison.Ordinal));

    private void Check(string definition, string folder, string what)
    {
        SortedDictionary<string, string> found = TinyJob.Results(folder);
        if (!_expected.TryGetValue(definition, out SortedDictionary<string, string>? expected))
            _expected[definition] = expected = found;
        string[] staging = TinyJob.StagingFiles(folder);
        if (!expected.SequenceEqual(found) || staging.Length > 0)
        {
            _failures++;
            Say($"{what} in {folder} differs from the undisturbed one: {string.Join(", ", expected.Except(found).Concat(found.Except(expected)).Select(f => f.Key).Distinct().Concat(staging))}");
            return;
        }
        Directory.Delete(folder, recursive: true);
    }

    private void Say(string message)
        => _output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_start).TotalMinutes,5:F1} min  {message}"));
}
