using System.Collections;
using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Definitions;

namespace Pipeline.Host.Definitions;

/// <summary>One key in which two definitions differ.</summary>
/// <param name="Path">The path of the key, as <c>--set</c> names it.</param>
/// <param name="Was">The old value, as messages show it.</param>
/// <param name="Is">The new value, as messages show it.</param>
/// <param name="Extends">Whether the change only makes the run longer, or changes what it reports.</param>
internal sealed record DefinitionChange(string Path, string Was, string Is, bool Extends)
{
    /// <summary>The index of the flow that the key is in. Null for the run's own keys.</summary>
    public int? Flow { get; init; }

    /// <summary>Whether a training may use the new value when it continues from a checkpoint.</summary>
    public bool IsTunable { get; init; }
}

/// <summary>Compares the definition that a run folder was begun with and the one that it is asked to continue with.</summary>
internal sealed class DefinitionDiff(OptionTypes types)
{
    private const string Absent = "(absent)";

    /// <summary>All differences. Flows are compared in order; if their stages are not the same, that is one difference.</summary>
    public IReadOnlyList<DefinitionChange> Compare(RunDefinition was, RunDefinition now)
    {
        var changes = new List<DefinitionChange>();
        CompareRecords(was with { Flows = [] }, now with { Flows = [] }, "", changes);
        CompareFlows(was.Flows, now.Flows, changes);
        return changes;
    }

    /// <summary>The changes, each on an indented line of its own: "path: was OLD, is NEW".</summary>
    public static string Describe(IEnumerable<DefinitionChange> changes)
    {
        var text = new StringBuilder();
        foreach (DefinitionChange change in changes)
            text.Append("\n  ").Append(change.Path).Append(": was ").Append(change.Was).Append(", is ").Append(change.Is);
        return text.ToString();
    }

    private void CompareFlows(IReadOnlyList<FlowDefinition> was, IReadOnlyList<FlowDefinition> now, List<DefinitionChange> changes)
    {
        for (int i = 0; i < Math.Max(was.Count, now.Count); i++)
        {
            int before = changes.Count;
            if (i >= was.Count)
                changes.Add(new DefinitionChange($"flows.{now[i].Name}", Absent, "a flow", Extends: true));
            else if (i >= now.Count)
                changes.Add(new DefinitionChange($"flows.{was[i].Name}", "a flow", Absent, Extends: false));
            else if (was[i].Name != now[i].Name)
                changes.Add(new DefinitionChange($"flow {i + 1}", $"'{was[i].Name}'", $"'{now[i].Name}'", Extends: false));
            else
                CompareStages(was[i].Stages, now[i].Stages, $"flows.{now[i].Name}", changes);
            for (int c = before; c < changes.Count; c++)
                changes[c] = changes[c] with { Flow = i };
        }
    }

    private void CompareStages(IReadOnlyList<StageDefinition> was, IReadOnlyList<StageDefinition> now, string path, List<DefinitionChange> changes)
    {
        string wasNames = string.Join(" → ", was.Select(Title));
        string nowNames = string.Join(" → ", now.Select(Title));
        if (wasNames != nowNames)
        {
            changes.Add(new DefinitionChange(path, wasNames, nowNames, Extends: false));
            return;
        }
        for (int i = 0; i < was.Count; i++)
            CompareRecords(was[i].Options, now[i].Options, $"{path}.{now[i].Name}", changes);
    }

    private static string Title(StageDefinition stage) => stage.Name == stage.Kind.Value ? stage.Name : $"{stage.Name} ({stage.Kind})";

    private void CompareRecords(object was, object now, string path, List<DefinitionChange> changes)
    {
        if (was is TeacherDefinition before && now is TeacherDefinition after && before.Backend != after.Backend)
        {
            changes.Add(new DefinitionChange(OptionBinder.Join(path, "backend"), $"\"{before.Backend}\"", $"\"{after.Backend}\"", Extends: false));
            return;
        }
        foreach (OptionProperty property in types.Of(now.GetType()).Properties)
        {
            object? a = property.Property.GetValue(was);
            object? b = property.Property.GetValue(now);
            string key = OptionBinder.Join(path, property.Key);
            if (property.Value.Kind is OptionKind.Record or OptionKind.Teacher && a is not null && b is not null && !property.Extends)
                CompareRecords(a, b, key, changes);
            else if (Show(a) is var shownA && Show(b) is var shownB && shownA != shownB)
                changes.Add(new DefinitionChange(key, shownA, shownB, property.Extends) { IsTunable = property.Tunable });
        }
    }

    private string Show(object? value) => value switch
    {
        null => Absent,
        string or bool or int or long or double => JsonSerializer.Serialize(value),
        Enum e => OptionType.EnumName(e),
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Show))}]",
        _ => $"{{{string.Join(", ", types.Of(value.GetType()).Properties.Select(p => $"{p.Key}: {Show(p.Property.GetValue(value))}"))}}}",
    };
}
