namespace Pipeline.Contracts.Records;

/// <summary>
/// What a token stands for: text, or something that the document's text does not contain. Consecutive tokens with one label other than
/// <see cref="Text"/> form a unit, and alignment pairs it with a unit of the same label on the other side. A unit without a partner there is in no
/// chunk.
/// </summary>
public static class UnitLabels
{
    public const ushort Text = 0;
    public const ushort Bos = 1;
    public const ushort Eos = 2;

    /// <summary>
    /// A token that is never paired: a special token whose meaning no other tokenizer could share, or a part of a template that both sides need not
    /// have, such as a default system prompt.
    /// </summary>
    public const ushort Unpaired = 3;

    /// <summary>
    /// Labels from here on stand for pieces of a rendered chat template. Each turn of the conversation has four in this order: the start of its header,
    /// its role, the end of its header, and the end of the turn.
    /// </summary>
    public const ushort FirstTemplateUnit = 16;
}
