using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Contracts.Formats;

/// <summary>What shards were made from, as named parts, in ordinal order of the names.</summary>
public sealed class ShardFingerprint
{
    /// <summary>The part that this format adds by itself.</summary>
    public const string FormatPart = "format";

    public ShardFingerprint(IReadOnlyDictionary<string, string> parts)
        => Parts = new SortedDictionary<string, string>(parts.ToDictionary(), StringComparer.Ordinal);

    public IReadOnlyDictionary<string, string> Parts { get; }

    /// <summary>These parts and the format's own.</summary>
    public static ShardFingerprint Of(IReadOnlyDictionary<string, string> parts)
        => new(new Dictionary<string, string>(parts.ToDictionary()) { [FormatPart] = $"shard {VersionOf(parts)}" });

    /// <summary>The value of <see cref="FingerprintPart.TeacherBoundary"/> for a teacher that does not know its masses.</summary>
    public static string BoundaryIs(BoundaryKnowledge knowledge) => knowledge == BoundaryKnowledge.Interval ? "interval" : "unknown";

    /// <summary>What shards with this fingerprint know of the boundary mass.</summary>
    public BoundaryKnowledge Boundary => Parts.GetValueOrDefault(FingerprintPart.TeacherBoundary) switch
    {
        null => BoundaryKnowledge.Exact,
        "interval" => BoundaryKnowledge.Interval,
        _ => BoundaryKnowledge.None,
    };

    /// <summary>From which contexts their next bytes are; null where they hold none.</summary>
    public string? NextBytes => Parts.GetValueOrDefault(FingerprintPart.TeacherNextBytes);

    /// <summary>The version of the format that shards of this fingerprint are written in.</summary>
    public int Version => VersionOf(Parts);

    private static int VersionOf(IReadOnlyDictionary<string, string> parts) => parts.ContainsKey(FingerprintPart.TeacherNextBytes) ? ShardFormat.NextBytesVersion
        : parts.ContainsKey(FingerprintPart.TeacherBoundary) ? 2 : ShardFormat.FirstVersion;

    /// <summary>The same parts with the same values.</summary>
    public bool Matches(ShardFingerprint other) => Differences(other.Parts).Count == 0 && Parts.Count == other.Parts.Count;

    /// <summary>Refuses shards made from something else, part by part.</summary>
    /// <param name="expected">Every one of these must be present with this value; other parts may be present too.</param>
    /// <param name="where">The folder or file this fingerprint was found in.</param>
    /// <exception cref="InputException">Names each part that differs, what was found, what was expected.</exception>
    public void Require(IReadOnlyDictionary<string, string> expected, string where) => Refuse(Differences(expected), where);

    /// <summary>As <see cref="Require"/>, where no other part may be present.</summary>
    /// <exception cref="InputException">Names each part that differs.</exception>
    public void RequireExactly(ShardFingerprint expected, string where)
    {
        IEnumerable<string> surplus = from part in Parts
                                      where !expected.Parts.ContainsKey(part.Key)
                                      select $"{part.Key} is '{part.Value}', this run has none";
        Refuse([.. Differences(expected.Parts), .. surplus], where);
    }

    private static void Refuse(List<string> differences, string where)
    {
        if (differences.Count > 0)
        {
            throw new InputException(
                $"{where} was made from something else: {string.Join("; ", differences)}. Give the folder that belongs to this definition, "
                + "write to another one, or delete this one to compute it again");
        }
    }

    private List<string> Differences(IReadOnlyDictionary<string, string> expected) =>
    [
        .. from part in expected.OrderBy(p => p.Key, StringComparer.Ordinal)
           let found = Parts.GetValueOrDefault(part.Key)
           where found != part.Value
           select $"{part.Key} is {(found is null ? "not recorded" : $"'{found}'")}, this run expects '{part.Value}'",
    ];
}
