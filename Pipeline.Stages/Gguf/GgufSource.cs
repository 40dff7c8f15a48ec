namespace Pipeline.Stages.Gguf;

/// <summary>
/// One tensor to write, and how to get its values when its turn comes, so that no second copy of a model is in memory.
/// </summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Type">Type of the written elements.</param>
/// <param name="Shape">Row-major, outermost first; rows are a whole number of the type's blocks.</param>
/// <param name="Write">Passes the values to its argument in order, in pieces of whole rows.</param>
internal sealed record GgufSource(string Name, GgufType Type, IReadOnlyList<long> Shape, Action<GgufSource.Sink> Write)
{
    /// <summary>Takes the next values.</summary>
    public delegate void Sink(ReadOnlySpan<float> values);

    public long Count => Shape.Aggregate(1L, (product, size) => checked(product * size));

    public long Bytes => GgufTypes.Bytes(Type, Count);
}
