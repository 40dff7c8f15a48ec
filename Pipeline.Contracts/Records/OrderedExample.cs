namespace Pipeline.Contracts.Records;

/// <summary>An example and its index in the order of training, counted over all epochs.</summary>
public sealed record OrderedExample(long Index, Example Example) : IRecord
{
    DocumentId? IRecord.Id => Example.Id;

    public long Weight => Example.Weight;
}
