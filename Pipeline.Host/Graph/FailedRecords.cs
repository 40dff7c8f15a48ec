using System.Globalization;
using System.Text;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Graph;

/// <summary>Counts the records on which a stage failed, over all flows of a run, and ends the run when there are more than <c>maxFailedRecords</c>.</summary>
/// <param name="limit">The most that may fail.</param>
/// <param name="already">How many failed in earlier runs, in work that is kept.</param>
internal sealed class FailedRecords(int limit, long already = 0)
{
    private const int Named = 10;
    private readonly Lock _lock = new();
    private readonly List<string> _first = [];
    private long _count = already;

    /// <summary>Counts a record on which a stage failed.</summary>
    /// <exception cref="DefectException">There are now more than the limit. The message names the first ten.</exception>
    public void Add(string record, string stage, Exception cause)
    {
        lock (_lock)
        {
            _count++;
            if (_first.Count < Named)
                _first.Add($"{record} in stage '{stage}': {cause.GetType().Name}: {cause.Message}");
            if (_count > limit)
                throw new DefectException(Message(), cause);
        }
    }

    /// <summary>Takes back the failures of a part that is computed again.</summary>
    public void Forget(long count)
    {
        lock (_lock)
            _count -= count;
    }

    /// <summary>Checks the total over all processes, which is known once they are done.</summary>
    /// <exception cref="DefectException">The total is above the limit.</exception>
    public void Require(long total)
    {
        lock (_lock)
        {
            _count = total;
            if (_count > limit)
                throw new DefectException(Message());
        }
    }

    private string Message()
    {
        var message = new StringBuilder();
        message.Append(CultureInfo.InvariantCulture, $"{_count} record(s) failed, and maxFailedRecords is {limit}; the first:");
        foreach (string line in _first)
            message.Append("\n  ").Append(line);
        message.Append("\nAll are in rejects.jsonl. Leave the records out of the input, or raise maxFailedRecords to go on without them.");
        return message.ToString();
    }
}
