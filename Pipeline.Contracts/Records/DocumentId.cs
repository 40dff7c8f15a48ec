using System.Globalization;

namespace Pipeline.Contracts.Records;

/// <summary>Where a document comes from. The id is the same in every run and on every machine.</summary>
/// <param name="File">The XxHash3 of the bytes of the input file; for generated texts, of what decides them.</param>
/// <param name="Row">The row or line of the file, from 0.</param>
/// <param name="Part">The number of the part, if a long document was split; otherwise 0.</param>
public readonly record struct DocumentId(ulong File, long Row, int Part)
{
    public override string ToString() => Part == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{File:x16}:{Row}")
        : string.Create(CultureInfo.InvariantCulture, $"{File:x16}:{Row}.{Part}");
}
