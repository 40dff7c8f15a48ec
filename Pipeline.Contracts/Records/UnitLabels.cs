namespace Pipeline.Contracts.Records;

/// <summary>
/// What a token that is not text stands for. Runs of one label on the two sides are aligned with each other as units; a label
/// that one side lacks belongs to no chunk.
/// </summary>
public static class UnitLabels
{
    public const ushort Text = 0;
    public const ushort Bos = 1;
    public const ushort Eos = 2;

    /// <summary>A special token whose meaning no other tokenizer could share: it has no partner on the other side.</summary>
    public const ushort Unpaired = 3;

    /// <summary>Labels from here on number the pieces of a rendered template, in order of appearance.</summary>
    public const ushort FirstTemplateUnit = 16;
}
