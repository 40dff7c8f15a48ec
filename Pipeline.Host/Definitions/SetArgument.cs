using System.Globalization;
using System.Text;

namespace Pipeline.Host.Definitions;

/// <summary>
/// Applies <c>--set PATH=VALUE</c>. PATH is a sequence of keys with dots in between. After <c>flows</c> come the name of a flow, or <c>*</c> for every flow
/// that has the stage, and the name of the stage. VALUE is read as JSON if it is JSON, and as a string otherwise.
/// </summary>
internal static class SetArgument
{
    private const string EveryFlow = "*";

    public static void Apply(string argument, SourceNode root, DefinitionErrors errors)
    {
        SourcePosition origin = SourcePosition.OfSet(argument);
        int equals = argument.IndexOf('=', StringComparison.Ordinal);
        string[] path = equals <= 0 ? [] : argument[..equals].Trim().Split('.');
        if (path.Length == 0 || path.Contains("") || root.Kind != SourceKind.Object)
        {
            errors.Add(origin, "expected PATH=VALUE, such as seed=3 or flows.FLOW.STAGE.KEY=VALUE");
            return;
        }
        string value = argument[(equals + 1)..];
        if (path[0] == "flows")
            SetInFlows(root, path, value, origin, errors);
        else
            SetIn(root, path, 0, ReadValue(value, origin), origin, errors);
    }

    private static void SetInFlows(SourceNode root, string[] path, string value, SourcePosition origin, DefinitionErrors errors)
    {
        List<SourceNode> flows = root["flows"]?.Items ?? [];
        if (path.Length < 3)
        {
            errors.Add(origin, $"flows cannot be set as a whole; expected flows.FLOW.STAGE.KEY=VALUE, where FLOW is * or one of {string.Join(", ", flows.Select(FlowName))}");
            return;
        }
        List<SourceNode> stages = path[1] == EveryFlow ? StagesOfAll(flows, path[2], origin, errors) : StageOf(flows, path[1], path[2], origin, errors);
        if (stages.Count == 0)
            return;
        if (path.Length == 3 || path[3] is "stage" or "name")
        {
            errors.Add(origin, "--set cannot exchange or rename a stage; edit the definition, or set one of the stage's options");
            return;
        }
        // Each stage gets a value of its own, so that a later --set into one flow does not change the others.
        foreach (SourceNode stage in stages)
            SetIn(stage, path, 3, ReadValue(value, origin), origin, errors);
    }

    private static List<SourceNode> StageOf(List<SourceNode> flows, string name, string stage, SourcePosition origin, DefinitionErrors errors)
    {
        if (flows.Find(f => FlowName(f) == name) is not { } flow)
        {
            errors.Add(origin, $"there is no flow '{name}'{Suggestion.For(name, flows.Select(FlowName).OfType<string>())}");
            return [];
        }
        if (Stage(flow, stage) is { } found)
            return [found];
        errors.Add(origin, $"flow '{name}' has no stage '{stage}'{Suggestion.For(stage, StageNames(flow))}");
        return [];
    }

    private static List<SourceNode> StagesOfAll(List<SourceNode> flows, string stage, SourcePosition origin, DefinitionErrors errors)
    {
        List<SourceNode> found = [.. flows.Select(f => Stage(f, stage)).OfType<SourceNode>()];
        if (found.Count == 0)
        {
            errors.Add(
                origin,
                $"none of the flows {string.Join(", ", flows.Select(FlowName))} has a stage '{stage}'{Suggestion.For(stage, flows.SelectMany(StageNames).Distinct())}");
        }
        return found;
    }

    private static void SetIn(SourceNode parent, string[] path, int at, SourceNode value, SourcePosition origin, DefinitionErrors errors)
    {
        for (; at < path.Length - 1; at++)
        {
            SourceNode? child = Child(parent, path[at]);
            if (child is null or { Kind: SourceKind.Null })
            {
                child = new SourceNode(SourceKind.Object, "", origin);
                if (!Replace(parent, path[at], child, origin, errors))
                    return;
            }
            else if (child.Kind is not (SourceKind.Object or SourceKind.Array))
            {
                errors.Add(origin, $"'{string.Join('.', path[..(at + 1)])}' is {child.Describe()}; it has no key '{path[at + 1]}'");
                return;
            }
            parent = child;
        }
        Replace(parent, path[at], value, origin, errors);
    }

    private static SourceNode? Child(SourceNode parent, string name)
        => parent.Kind == SourceKind.Array ? ItemIndex(parent, name) is { } index ? parent.Items[index] : null : parent[name];

    private static bool Replace(SourceNode parent, string name, SourceNode value, SourcePosition origin, DefinitionErrors errors)
    {
        if (parent.Kind == SourceKind.Array)
        {
            if (ItemIndex(parent, name) is not { } item)
            {
                errors.Add(origin, $"'{name}': the list has the items 0..{parent.Items.Count - 1}; set the whole list as JSON to make it longer");
                return false;
            }
            parent.Items[item] = value;
            return true;
        }
        int index = parent.Members.FindIndex(m => m.Name == name);
        if (index >= 0)
            parent.Members[index] = new SourceMember(name, origin, value);
        else
            parent.Members.Add(new SourceMember(name, origin, value));
        return true;
    }

    private static int? ItemIndex(SourceNode list, string name)
        => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < list.Items.Count ? index : null;

    private static SourceNode ReadValue(string text, SourcePosition origin)
    {
        var ignored = new DefinitionErrors();
        SourceNode? json = SourceReader.Read("", Encoding.UTF8.GetBytes(text), ignored);
        return json is null || ignored.Count > 0 ? new SourceNode(SourceKind.String, text, origin) : At(json, origin, text);
    }

    private static SourceNode At(SourceNode node, SourcePosition origin, string? text)
    {
        var copy = new SourceNode(node.Kind, node.Text, origin) { SetText = text };
        copy.Items.AddRange(node.Items.Select(i => At(i, origin, null)));
        copy.Members.AddRange(node.Members.Select(m => new SourceMember(m.Name, origin, At(m.Value, origin, null))));
        return copy;
    }

    private static SourceNode? Stage(SourceNode flow, string name) => flow["stages"]?.Items.Find(s => DefinitionChecks.NameOf(s) == name);

    private static IEnumerable<string> StageNames(SourceNode flow) => (flow["stages"]?.Items ?? []).Select(DefinitionChecks.NameOf).OfType<string>();

    private static string? FlowName(SourceNode flow) => flow["name"]?.Text;
}
