namespace Pipeline.Stages.Gguf;

/// <summary>Where a tensor of a file lies.</summary>
/// <param name="Name">As the file has it: <c>blk.0.attn_q.weight</c>.</param>
/// <param name="Type">ggml's number; <see cref="GgufTypes.Name"/> names it.</param>
/// <param name="Shape">Row-major, outermost first: the reverse of what the file says.</param>
/// <param name="Offset">Of the first byte, within the file.</param>
/// <param name="Bytes">How many there are.</param>
internal sealed record GgufTensor(string Name, uint Type, IReadOnlyList<long> Shape, long Offset, long Bytes)
{
    public long Columns => Shape[^1];

    public override string ToString() => $"{Name} {GgufTypes.Name(Type)} [{string.Join(",", Shape)}]";
}
