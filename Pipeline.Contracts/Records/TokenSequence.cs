namespace Pipeline.Contracts.Records;

/// <summary>A document as one tokenizer sees it: n tokens.</summary>
/// <param name="Ids">[n] Token ids, special tokens included.</param>
/// <param name="ByteEnds">
/// [n] For each token, the offset in the UTF-8 of the document's text at which its byte view ends. The offsets never decrease. A special token has no
/// bytes of text and so the same offset as the token before it. A token that mixes template and content, such as a template's line feed merged with the
/// first word of the content, is labelled <see cref="UnitLabels.Unpaired"/> and ends where its content ends. Neither it nor the text that it is merged
/// with is in any chunk.
/// </param>
/// <param name="Units">[n] For each token one of the <see cref="UnitLabels"/>; null if every token is text.</param>
/// <param name="LossMask">[n] For each token whether it counts in a loss; null if every token counts.</param>
public sealed record TokenSequence(int[] Ids, int[] ByteEnds, ushort[]? Units = null, bool[]? LossMask = null)
{
    /// <summary>n, the number of tokens.</summary>
    public int Count => Ids.Length;

    /// <summary>The label of a token.</summary>
    public ushort Unit(int index) => Units is null ? UnitLabels.Text : Units[index];

    /// <summary>Whether a token counts in a loss.</summary>
    public bool Counts(int index) => LossMask is null || LossMask[index];

    /// <summary>Checks that the arrays have one length and that the byte ends never decrease.</summary>
    /// <exception cref="InvalidOperationException">They do not. This is a bug in the stage that made the sequence.</exception>
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
