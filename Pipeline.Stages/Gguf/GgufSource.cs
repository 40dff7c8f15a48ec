namespace Pipeline.Stages.Gguf;

/// <summary>
/// One tensor to be written, and how to get its values when its turn comes, so that no second copy of a model is held.
/// </summary>
/// <param name="Name">As the file is to have it.</param>
/// <param name="Type">Of the written elements.</param>
/// <param name="Shape">Row-major, outermost first; rows are a whole number of the type's blocks.</param>
/// <param name="Write">Calls what it is given with the values in order, in pieces of whole rows.</param>
internal sealed record GgufSource(string Name, GgufType Type, IReadOnlyList<long> Shape, Action<GgufSource.Sink> Write)
{
    /// <summary>Takes the next values.</summary>
    public delegate void Sink(ReadOnlySpan<float> values);

    public long Count => Shape.Aggregate(1L, (product, size) => checked(product * size));

    public long Bytes => GgufTypes.Bytes(Type, Count);
}
