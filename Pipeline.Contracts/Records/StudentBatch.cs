namespace Pipeline.Contracts.Records;

/// <summary>Examples that one forward pass of the student takes, padded on the right to the longest.</summary>
/// <param name="Examples">[B] the rows, each no longer than the student's limit.</param>
/// <param name="Length">T: the tokens of the longest row.</param>
/// <param name="Next">Where the order of examples continues after this batch: the state that a checkpoint keeps.</param>
public sealed record StudentBatch(Example[] Examples, int Length, StreamPosition Next) : IRecord
{
    /// <summary>Tokens that are not padding.</summary>
    public int Tokens => Examples.Sum(e => e.Student.Count);

    /// <summary>None: its rows are of many documents.</summary>
    public DocumentId? Id => null;

    public long Weight => Examples.Sum(e => e.Weight);
}
