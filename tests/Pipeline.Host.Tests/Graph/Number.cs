using Pipeline.Contracts.Records;

namespace Pipeline.Host.Tests.Graph;

/// <summary>A number as a record.</summary>
internal readonly record struct Number(int Value) : IRecord
{
    public DocumentId? Id => null;

    public long Weight => 64;

    public static implicit operator Number(int value) => new(value);

    public static implicit operator int(Number number) => number.Value;
}
