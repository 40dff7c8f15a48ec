using Pipeline.Contracts.Progress;

namespace Pipeline.Stages.Demonstrations;

/// <summary>
/// The meter of the reader of one of several columns. Only the first column's reader is heard; otherwise every row would count once for each column.
/// </summary>
/// <param name="meter">The stage's meter.</param>
/// <param name="speaks">Whether this is the first column.</param>
internal sealed class ColumnMeter(IStageMeter meter, bool speaks) : IStageMeter
{
    public void Count(string name, long amount)
    {
        if (speaks && name is not ("documents" or "bytes"))
            meter.Count(name, amount);
    }

    public void Scalar(string name, long step, double value)
    {
    }

    public void Progress(long done, long total)
    {
        if (speaks)
            meter.Progress(done, total);
    }

    public void Say(string message)
    {
        if (speaks)
            meter.Say(message);
    }
}
