namespace Pipeline.Stages.Gguf;

/// <summary>A tensor of a file: what it is, and where its values are.</summary>
/// <param name="Name">Its name in the file, such as <c>blk.0.attn_q.weight</c>.</param>
/// <param name="Type">ggml's number of its type; <see cref="GgufTypes.Name"/> gives the name.</param>
/// <param name="Shape">The shape, row-major with the outermost dimension first. The file has it the other way round.</param>
/// <param name="Offset">The offset of its first byte in the file.</param>
/// <param name="Bytes">The number of its bytes.</param>
internal sealed record GgufTensor(string Name, uint Type, IReadOnlyList<long> Shape, long Offset, long Bytes)
{
    /// <summary>The length of a row.</summary>
    public long Columns => Shape[^1];

    public override string ToString() => $"{Name} {GgufTypes.Name(Type)} [{string.Join(",", Shape)}]";
}
