using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Contracts.Formats;

/// <summary>
/// What shards are made from, as named parts (<see cref="FingerprintPart"/>). Shards that a reader expects to be made from something else are refused.
/// </summary>
public sealed class ShardFingerprint
{
    /// <summary>The name of the part that the format adds by itself: its version.</summary>
    public const string FormatPart = "format";

    public ShardFingerprint(IReadOnlyDictionary<string, string> parts)
        => Parts = new SortedDictionary<string, string>(parts.ToDictionary(), StringComparer.Ordinal);

    /// <summary>Values by name, in ordinal order of the names.</summary>
    public IReadOnlyDictionary<string, string> Parts { get; }

    /// <summary>A fingerprint of these parts and the format's own.</summary>
    public static ShardFingerprint Of(IReadOnlyDictionary<string, string> parts)
        => new(new Dictionary<string, string>(parts.ToDictionary()) { [FormatPart] = $"shard {VersionOf(parts)}" });

    /// <summary>The value of <see cref="FingerprintPart.TeacherBoundary"/> for a teacher that does not know its boundary masses exactly.</summary>
    public static string BoundaryIs(BoundaryKnowledge knowledge) => knowledge == BoundaryKnowledge.Interval ? "interval" : "unknown";

    /// <summary>What shards with this fingerprint know about the boundary mass.</summary>
    public BoundaryKnowledge Boundary => Parts.GetValueOrDefault(FingerprintPart.TeacherBoundary) switch
    {
        null => BoundaryKnowledge.Exact,
        "interval" => BoundaryKnowledge.Interval,
        _ => BoundaryKnowledge.None,
    };

    /// <summary>From which contexts their next bytes were summed; null if they hold none.</summary>
    public string? NextBytes => Parts.GetValueOrDefault(FingerprintPart.TeacherNextBytes);

    /// <summary>The version of the format that shards with this fingerprint are written in.</summary>
    public int Version => VersionOf(Parts);

    private static int VersionOf(IReadOnlyDictionary<string, string> parts) => parts.ContainsKey(FingerprintPart.TeacherNextBytes) ? ShardFormat.NextBytesVersion
        : parts.ContainsKey(FingerprintPart.TeacherBoundary) ? 2 : ShardFormat.FirstVersion;

    /// <summary>Whether another fingerprint has the same parts with the same values.</summary>
    public bool Matches(ShardFingerprint other) => Differences(other.Parts).Count == 0 && Parts.Count == other.Parts.Count;

    /// <summary>Refuses shards that are made from something else.</summary>
    /// <param name="expected">Parts that must be present with these values. Other parts may be present too.</param>
    /// <param name="where">The folder or file that this fingerprint was found in.</param>
    /// <exception cref="InputException">Parts differ. The message names each of them, what was found and what was expected.</exception>
    public void Require(IReadOnlyDictionary<string, string> expected, string where) => Refuse(Differences(expected), where);

    /// <summary>As <see cref="Require"/>, but no other part may be present.</summary>
    /// <exception cref="InputException">Parts differ. The message names each of them.</exception>
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
