using System.Globalization;

namespace Pipeline.Contracts.Records;

/// <summary>
/// Where a document came from, stable across runs and machines: the XxHash3 of the input file's bytes, the row in it, and the
/// part when a long document was split (0 otherwise).
/// </summary>
public readonly record struct DocumentId(ulong File, long Row, int Part)
{
    public override string ToString() => Part == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{File:x16}:{Row}")
        : string.Create(CultureInfo.InvariantCulture, $"{File:x16}:{Row}.{Part}");
}
