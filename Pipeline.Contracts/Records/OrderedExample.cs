namespace Pipeline.Contracts.Records;

/// <summary>An example with its place in the order of training.</summary>
/// <param name="Index">Its index in that order, from 0, counted over all epochs.</param>
/// <param name="Example">The example.</param>
public sealed record OrderedExample(long Index, Example Example) : IRecord
{
    DocumentId? IRecord.Id => Example.Id;

    public long Weight => Example.Weight;
}
