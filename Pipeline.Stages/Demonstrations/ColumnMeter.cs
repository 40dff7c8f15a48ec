using Pipeline.Contracts.Progress;

namespace Pipeline.Stages.Demonstrations;

/// <summary>What the reader of one of several columns may say: the first speaks for all, or every row would count once for each column.</summary>
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
