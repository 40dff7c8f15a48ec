using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Shards;

/// <summary>
/// Checks, before a run, the shards that a flow will read. Of shards that an earlier flow of the run writes, only imported scores are checked. Others
/// must exist, be complete, belong to the run's tokenizers, and hold what the flow needs from a teacher.
/// </summary>
internal static class ReadShardsRules
{
    /// <summary>What is wrong with the shards that the options name.</summary>
    /// <param name="options">The options of the stage.</param>
    /// <param name="context">The context of the stage.</param>
    /// <param name="expected">Parts of the fingerprint that are known without reading a teacher's weights.</param>
    public static IEnumerable<RuleFinding> Of(ReadShardsOptions options, StageContext context, Func<IReadOnlyDictionary<string, string>> expected)
    {
        if (options.From.Count == 0)
            yield return new RuleFinding("from", "'from' is empty; name at least one folder of shards");
        for (int i = 0; i < options.From.Count; i++)
        {
            foreach (string fault in Faults(options.From[i], context, expected))
                yield return new RuleFinding($"from[{i}]", $"'from': {fault}");
        }
    }

    private static IEnumerable<string> Faults(string from, StageContext context, Func<IReadOnlyDictionary<string, string>> expected)
    {
        string path = RunNames.OfShards(from, context);
        if (RunNames.Fault(path, context, OutputKind.Shards) is { } fault)
            return [fault];
        if (RunNames.Find(path, context) is { } made)
            return made.Facts.ImportedScores is { } said ? Imported(said, $"'{from}', which flow '{made.Flow}' imports,", context) : [];
        string folder = RunPaths.Input(context.RunFolder, path);
        if (!context.Storage.DirectoryExists(folder))
            return [$"{folder} does not exist, and no flow of this definition writes '{from}'"];
        try
        {
            ShardSet set = ShardSet.Open(context.Storage, folder, expected());
            return context.Definition.Teacher is null ? Unmet(AbilitiesOf(set), set.Folder, context) : [];
        }
        catch (AlmException e) when (e is InputException or DamagedException)
        {
            return [e.Message];
        }
    }

    // A definition that names a teacher means the one whose scores its flows read. Imported scores come from another one.
    private static IEnumerable<string> Imported(TeacherAbilities said, string what, StageContext context) => context.Definition.Teacher is null
        ? Unmet(said, what, context)
        : [$"{what} holds scores that were made elsewhere, but the definition names a \"teacher\", which did not make them; leave \"teacher\" out"];

    private static TeacherAbilities AbilitiesOf(ShardSet set)
        => new(set.Fingerprint.Boundary, HiddenStates: set.Fingerprint.Parts.GetValueOrDefault(FingerprintPart.TeacherHiddenStates) is not (null or "none"));

    // Called only where no teacher is named, since a definition with one is checked against that teacher's abilities. Needs other than boundary masses
    // and hidden states are left to the stage that has them.
    private static IEnumerable<string> Unmet(TeacherAbilities can, string what, StageContext context)
        => context.Facts.TeacherNeeds.Where(need => !need.IsMet(can) && Enum.GetValues<BoundaryKnowledge>().Any(b => need.IsMet(can with { Boundary = b, HiddenStates = true })))
            .Select(need => $"{what} was scored without {need.What}, which '{need.Key}' needs{(need.Remedy is null ? "" : $"; {need.Remedy}")}");
}
