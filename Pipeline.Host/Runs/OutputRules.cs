using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Files;

namespace Pipeline.Host.Runs;

/// <summary>Checks where the stages of a run write: below the run folder, apart from what the run itself keeps there, and no two stages in one place.</summary>
internal static class OutputRules
{
    public static void Check(LoadedDefinition definition, StageCatalog catalog, string runFolder, DefinitionErrors errors)
    {
        var places = new List<(string Path, string Stage, StageDefinition Owner, SourcePosition Position)>();
        for (int f = 0; f < definition.Definition.Flows.Count; f++)
        {
            FlowDefinition flow = definition.Definition.Flows[f];
            for (int s = 0; s < flow.Stages.Count; s++)
            {
                StageDefinition stage = flow.Stages[s];
                SourceNode node = definition.Source["flows"]!.Items[f]["stages"]!.Items[s];
                string where = $"flow '{flow.Name}', stage '{stage.Name}'";
                foreach (StageOutput output in catalog[stage.Kind.Value].Outputs(stage.Options))
                {
                    SourcePosition position = node.Nearest(output.Key).Position;
                    if (errors.IsFaulty(position) || Below(output, runFolder, where, position, errors) is not { } path)
                        continue;
                    (string Path, string Stage, StageDefinition Owner, SourcePosition Position) other = places.Find(p => p.Owner != stage && IsInside(p.Path, path));
                    if (other.Path is not null)
                        errors.AddRule(position, $"{where}: '{output.Key}' makes it write {Describe(output, path, runFolder)}, {(other.Path == path ? "which" : $"and {Path.GetRelativePath(runFolder, other.Path)}")} is written by {other.Stage} ({other.Position}); give another name");
                    places.Add((path, where, stage, position));
                }
            }
        }
    }

    private static string? Below(StageOutput output, string runFolder, string where, SourcePosition position, DefinitionErrors errors)
    {
        string path;
        try
        {
            path = RunPaths.Output(runFolder, output.Path).TrimEnd(Path.DirectorySeparatorChar);
        }
        catch (DefinitionException e)
        {
            errors.AddRule(position, $"{where}: '{output.Key}': {e.Message}");
            return null;
        }
        string? kept = output.Kind == OutputKind.Report ? null : RunFiles.All.FirstOrDefault(name => IsInside(Path.Combine(runFolder, name), path));
        if (kept is null)
            return path;
        errors.AddRule(position, $"{where}: '{output.Key}': {Path.GetRelativePath(runFolder, path)} is where the run keeps its {kept}; give another name");
        return null;
    }

    private static string Describe(StageOutput output, string path, string runFolder) => output.IsState ? "checkpoints" : Path.GetRelativePath(runFolder, path);

    private static bool IsInside(string a, string b) => a == b || IsBelow(a, b) || IsBelow(b, a);

    private static bool IsBelow(string path, string folder) => path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
