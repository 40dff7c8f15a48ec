namespace Pipeline.Stages.Gguf;

/// <summary>
/// A tensor to be written. Its values are asked for when its turn comes, so that there is no second copy of a model in memory.
/// </summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Type">The type of the written elements.</param>
/// <param name="Shape">The shape, row-major with the outermost dimension first. Rows are a whole number of the type's blocks.</param>
/// <param name="Write">Passes all values to its argument, in order, in pieces of whole rows.</param>
internal sealed record GgufSource(string Name, GgufType Type, IReadOnlyList<long> Shape, Action<GgufSource.Sink> Write)
{
    /// <summary>Takes the next values. They are only valid during the call.</summary>
    public delegate void Sink(ReadOnlySpan<float> values);

    /// <summary>The number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>The number of bytes in the file.</summary>
    public long Bytes => GgufTypes.Bytes(Type, Count);
}
