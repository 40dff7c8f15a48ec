namespace Pipeline.Contracts.Records;

/// <summary>
/// One tokenizer's view of a document, n tokens long.
/// </summary>
/// <param name="Ids">Token ids, special tokens included.</param>
/// <param name="ByteEnds">
/// Per token, the end of its byte view in the UTF-8 of the document's text; never decreasing. A special token has the end of what is before it.
/// A token that holds template and content in one (a template's line feed joined to the content's first word) is
/// <see cref="UnitLabels.Unpaired"/> and has the end of its content; no chunk holds it, nor the text it is joined to.
/// </param>
/// <param name="Units">Per token a label of <see cref="UnitLabels"/>; null means that every token is text.</param>
/// <param name="LossMask">Per token whether it counts in a loss; null means that every token counts.</param>
public sealed record TokenSequence(int[] Ids, int[] ByteEnds, ushort[]? Units = null, bool[]? LossMask = null)
{
    public int Count => Ids.Length;

    public ushort Unit(int index) => Units is null ? UnitLabels.Text : Units[index];

    public bool Counts(int index) => LossMask is null || LossMask[index];

    /// <summary>Throws when the lengths disagree or the byte ends decrease: a bug in the stage that made it.</summary>
    public void Validate()
    {
        if (ByteEnds.Length != Ids.Length || (Units is not null && Units.Length != Ids.Length)
            || (LossMask is not null && LossMask.Length != Ids.Length))
        {
            throw new InvalidOperationException(
                $"token sequence: {Ids.Length} ids, {ByteEnds.Length} byte ends, {Units?.Length} units, {LossMask?.Length} mask entries; they must agree");
        }
        for (int i = 1; i < ByteEnds.Length; i++)
        {
            if (ByteEnds[i] < ByteEnds[i - 1])
                throw new InvalidOperationException($"token sequence: byte end {ByteEnds[i]} of token {i} is before {ByteEnds[i - 1]}");
        }
    }
}
