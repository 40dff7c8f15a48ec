using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Shards;

/// <summary>What <c>alm inspect</c> says about shards: counts, what they are made from, and bytes for each teacher token by part.</summary>
public sealed record ShardInspection(
    string Path, int Shards, long Blocks, long Records, long TeacherTokens, long StudentTokens, long Chunks, long Bytes,
    double? BytesPerTeacherTokenWithoutText, IReadOnlyDictionary<string, string> Fingerprint, IReadOnlyList<PartInspection> Parts,
    int FormatVersion, string BoundaryMasses, double? NextBytesPerTextByte)
{
    private static readonly JsonSerializerOptions Options = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static ShardInspection Of(ShardSet set) => Of(set.Folder, set.Shards);

    public static ShardInspection Of(ShardReader shard) => Of(shard.Path, [shard]);

    public string ToJson() => JsonSerializer.Serialize(this, Options);

    /// <summary>The same as the rows of a table: name and value.</summary>
    public IReadOnlyList<(string Name, string Value)> Rows =>
    [
        ("path", Path),
        ("shards", Number(Shards)),
        ("blocks", Number(Blocks)),
        ("records", Number(Records)),
        ("teacher tokens", Number(TeacherTokens)),
        ("student tokens", Number(StudentTokens)),
        ("chunks", Number(Chunks)),
        ("bytes", Number(Bytes)),
        ("boundary masses", BoundaryMasses),
        .. Parts.Where(p => p.Part != ShardPart.NextBytes).Select(p => ($"{p.Part.ToString().ToLowerInvariant()} per teacher token", $"{Ratio(p.RawPerTeacherToken)} bytes, {Ratio(p.StoredPerTeacherToken)} stored")),
        .. NextBytesPerTextByte is null ? [] : new[] { ("next bytes per text byte", $"{Ratio(NextBytesPerTextByte)} bytes stored") },
        ("all but text per teacher token", $"{Ratio(BytesPerTeacherTokenWithoutText)} bytes stored"),
        .. Fingerprint.Select(p => ($"made from {p.Key}", p.Value)),
    ];

    private static ShardInspection Of(string path, IReadOnlyList<ShardReader> shards)
    {
        ShardTotals totals = shards.Aggregate(ShardTotals.Zero, (sum, s) => sum + s.Footer.Totals);
        long bytes = shards.Sum(s => s.Bytes);
        double? Per(long amount) => totals.TeacherTokens == 0 ? null : (double)amount / totals.TeacherTokens;
        return new ShardInspection(
            path, shards.Count, shards.Sum(s => (long)s.Footer.Blocks.Count), totals.Records, totals.TeacherTokens, totals.StudentTokens, totals.Chunks, bytes,
            Per(bytes - totals[ShardPart.Text].Stored), shards[0].Header.Fingerprint.Parts,
            [.. Enum.GetValues<ShardPart>().Select(p => new PartInspection(p, totals[p].Raw, totals[p].Stored, Per(totals[p].Raw), Per(totals[p].Stored)))],
            shards[0].Version, Masses(shards[0].Header.Fingerprint.Boundary),
            totals[ShardPart.NextBytes].Stored > 0 ? totals[ShardPart.NextBytes].Stored / (double)(totals[ShardPart.Text].Raw - (totals.Records * ExampleColumns.IdBytes)) : null);
    }

    private static string Masses(BoundaryKnowledge knowledge) => knowledge switch
    {
        BoundaryKnowledge.Exact => "known",
        BoundaryKnowledge.Interval => "lower and upper bounds",
        _ => "not known",
    };

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Ratio(double? value) => value?.ToString("F2", CultureInfo.InvariantCulture) ?? "no";
}

/// <summary>The size of one part of the shards, before compression (raw) and on disk (stored).</summary>
public sealed record PartInspection(ShardPart Part, long RawBytes, long StoredBytes, double? RawPerTeacherToken, double? StoredPerTeacherToken);
