namespace Pipeline.Contracts.Records;

/// <summary>Examples that the student takes in one forward pass. Shorter rows are padded on the right to the longest.</summary>
/// <param name="Examples">[B] The rows, each no longer than the student's limit.</param>
/// <param name="Length">T, the number of tokens of the longest row.</param>
/// <param name="Next">Where the order of examples continues after this batch. A checkpoint keeps it.</param>
public sealed record StudentBatch(Example[] Examples, int Length, StreamPosition Next) : IRecord
{
    /// <summary>The number of tokens in all rows, without padding.</summary>
    public int Tokens => Examples.Sum(e => e.Student.Count);

    /// <summary>Null, because the rows come from many documents.</summary>
    public DocumentId? Id => null;

    public long Weight => Examples.Sum(e => e.Weight);
}
