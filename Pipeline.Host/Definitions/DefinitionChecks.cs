using System.Globalization;
using System.Text.RegularExpressions;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Host.Definitions;

/// <summary>
/// Binds a definition, and checks what no single record can check by itself: names, the order of stages, and what stages need. One object binds one
/// definition.
/// </summary>
internal sealed partial class DefinitionChecks
{
    private const string KindKey = "stage";
    private const string NameKey = "name";
    private const string BackendKey = "backend";
    private static readonly string[] Reserved = [KindKey, NameKey];

    private readonly StageCatalog _catalog;
    private readonly DefinitionErrors _errors;
    private readonly OptionBinder _binder;
    private readonly List<(SourceNode Node, string Where, IAsksTeacher Options)> _asking = [];

    public DefinitionChecks(StageCatalog catalog, OptionTypes types, DefinitionErrors errors)
    {
        _catalog = catalog;
        _errors = errors;
        _binder = new OptionBinder(types, errors, BindStage, BindTeacher);
    }

    /// <summary>Binds the root of a definition and checks it. Everything wrong is added to the errors.</summary>
    /// <returns>The definition; null if the root is not an object. It means something only if no value was wrong.</returns>
    public RunDefinition? Bind(SourceNode root)
    {
        // Editors find the schema by the key $schema. It is no part of the definition.
        var definition = (RunDefinition?)_binder.BindRecord(root, typeof(RunDefinition), "the definition", reserved: ["$schema"]);
        if (definition is null)
            return null;
        CheckName(root[NameKey], "the run");
        CheckModels(root);
        if (root["flows"] is { Kind: SourceKind.Array } flows)
            CheckFlows(flows, root);
        if (definition.Teacher is { } teacher)
            CheckTeacher(teacher);
        return definition;
    }

    private StageDefinition? BindStage(SourceNode node, string where)
    {
        if (node.Kind != SourceKind.Object)
        {
            _errors.Add(node.Position, $"{where}: found {node.Describe()}, expected a stage: {{ \"stage\": \"…\" }}");
            return null;
        }
        if (node[KindKey] is not { } kindNode)
        {
            _errors.Add(node.Position, $"{where}: key 'stage' is missing; it says which stage this is");
            return null;
        }
        if (kindNode.Kind != SourceKind.String || !_catalog.TryGet(kindNode.Text, out StageRegistration registration))
        {
            _errors.Add(kindNode.Position, kindNode.Kind != SourceKind.String
                ? $"{where}: 'stage': found {kindNode.Describe()}, expected a string"
                : $"{where}: unknown stage '{kindNode.Text}'{Suggestion.For(kindNode.Text, _catalog.Names)}");
            return null;
        }
        if (node[NameKey] is { Kind: not SourceKind.String } nameNode)
            _errors.Add(nameNode.Position, $"{where}, stage '{kindNode.Text}': 'name': found {nameNode.Describe()}, expected a string");
        string name = NameOf(node)!;
        int errorsBefore = _errors.Count;
        object? options = _binder.BindRecord(node, registration.OptionsType, $"{where}, stage '{name}'", reserved: Reserved);
        // If a value is wrong, its default is in its place. Nobody has asked for what that default needs.
        if (options is IAsksTeacher asking && _errors.Count == errorsBefore)
            _asking.Add((node, $"{where}, stage '{name}'", asking));
        return options is null ? null : new StageDefinition(name, new StageKind(registration.Name), options);
    }

    private TeacherDefinition? BindTeacher(SourceNode node, string where, string path)
    {
        SourceNode? backend = node[BackendKey];
        TeacherRegistration? registration = _catalog.Teachers.FirstOrDefault(t => t.Name == (backend?.Text ?? TeacherDefinition.DefaultBackend));
        if (backend is null or { Kind: SourceKind.String } && registration is not null)
            return (TeacherDefinition?)_binder.BindRecord(node, registration.OptionsType, where, path, [BackendKey]);
        _errors.Add(backend!.Position, backend.Kind != SourceKind.String
            ? $"{where}: '{path}.{BackendKey}': found {backend.Describe()}, expected a string"
            : $"{where}: '{path}.{BackendKey}': unknown backend '{backend.Text}'{Suggestion.For(backend.Text, _catalog.Teachers.Select(t => t.Name))}");
        return null;
    }

    private void CheckTeacher(TeacherDefinition teacher)
    {
        TeacherAbilities abilities = _catalog.Teachers.First(t => t.Name == teacher.Backend).Abilities(teacher);
        foreach ((SourceNode node, string where, IAsksTeacher options) in _asking)
        {
            foreach (TeacherNeed need in options.TeacherNeeds.Where(n => !n.IsMet(abilities)))
            {
                _errors.AddRule(node.Nearest(need.Key).Position, $"{where}: '{need.Key}' needs {need.What}, which a teacher of backend '{teacher.Backend}' does not provide"
                    + (need.Remedy is null ? "; use another backend" : $"; {need.Remedy}"));
            }
        }
    }

    private void CheckModels(SourceNode root)
    {
        if (root["student"] is not { Kind: SourceKind.Object } student)
            return;
        bool model = student["model"] is { Kind: SourceKind.String };
        bool config = student["config"] is { Kind: SourceKind.String };
        if (model == config && (model || (student["model"] is null or { Kind: SourceKind.Null } && student["config"] is null or { Kind: SourceKind.Null })))
            _errors.Add(student.Position, $"the student: found {(model ? "both 'model' and 'config'" : "neither 'model' nor 'config'")}, expected one of them");
    }

    private void CheckFlows(SourceNode flows, SourceNode root)
    {
        if (flows.Items.Count == 0)
            _errors.Add(flows.Position, "the definition: 'flows': found an empty list, expected at least one flow");
        var names = new Dictionary<string, SourcePosition>(StringComparer.Ordinal);
        foreach (SourceNode flow in flows.Items.Where(f => f.Kind == SourceKind.Object))
        {
            if (flow[NameKey] is { Kind: SourceKind.String } name)
            {
                CheckName(name, "the flow");
                CheckUnique(names, name.Text, name.Position, "two flows are");
            }
            if (flow["stages"] is { Kind: SourceKind.Array } stages)
                CheckStages(stages, $"flow '{flow[NameKey]?.Text ?? "?"}'", root);
        }
    }

    private void CheckStages(SourceNode stages, string flow, SourceNode root)
    {
        if (stages.Items.Count < 2)
        {
            _errors.Add(stages.Position, string.Create(CultureInfo.InvariantCulture,
                $"{flow}: found {stages.Items.Count} stages, expected at least a source and a sink"));
        }
        var names = new Dictionary<string, SourcePosition>(StringComparer.Ordinal);
        StageRegistration? before = null;
        for (int i = 0; i < stages.Items.Count; i++)
        {
            SourceNode stage = stages.Items[i];
            if (NameOf(stage) is { } name)
            {
                SourcePosition position = (stage[NameKey] ?? stage[KindKey])!.Position;
                if (stage[NameKey] is not null)
                    CheckName(stage[NameKey], $"{flow}: the stage");
                CheckUnique(names, name, position, $"{flow}: two stages are");
            }
            StageRegistration? registration = stage[KindKey] is { Kind: SourceKind.String } kind && _catalog.TryGet(kind.Text, out StageRegistration known) ? known : null;
            if (registration is not null)
            {
                CheckNeeds(registration, stage, flow, root);
                CheckPlace(registration, before, i, stages.Items.Count, stage[KindKey]!.Position, flow);
            }
            before = registration;
        }
    }

    private void CheckPlace(StageRegistration stage, StageRegistration? before, int index, int count, SourcePosition position, string flow)
    {
        bool first = index == 0;
        bool last = index == count - 1;
        if (first && stage.Input is not null)
            _errors.Add(position, $"{flow}: the first stage '{stage.Name}' takes {stage.Input.Name}; expected a source{Examples(s => s.Input is null)}");
        if (!first && stage.Input is null)
            _errors.Add(position, $"{flow}: '{stage.Name}' is a source; only the first stage is one");
        if (last && stage.Output is not null)
            _errors.Add(position, $"{flow}: the last stage '{stage.Name}' gives {stage.Output.Name}; expected a sink{Examples(s => s.Output is null)}");
        if (!last && stage.Output is null)
            _errors.Add(position, $"{flow}: '{stage.Name}' is a sink; only the last stage is one");
        if (before?.Output is { } output && stage.Input is { } input && !Fits(output, input))
        {
            _errors.Add(position, $"{flow}: '{stage.Name}' takes {input.Name}, but '{before.Name}' before it gives {output.Name}"
                + Examples(s => s.Input is not null && s.Output is not null && Fits(output, s.Input) && Fits(s.Output, input), "; what fits between them: "));
        }
    }

    private string Examples(Func<StageRegistration, bool> fits, string lead = ", such as ")
    {
        string names = string.Join(", ", _catalog.Names.Where(n => fits(_catalog[n])));
        return names.Length == 0 ? "" : lead + names;
    }

    private static bool Fits(Type output, Type input) => input == output || (!output.IsValueType && input.IsAssignableFrom(output));

    private void CheckNeeds(StageRegistration stage, SourceNode node, string flow, SourceNode root)
    {
        Need(StageNeeds.Teacher, "teacher", "\"teacher\": { \"model\": \"FOLDER\" }");
        Need(StageNeeds.Student, "student", "\"student\": { \"model\": \"FOLDER\" }");

        void Need(StageNeeds part, string key, string example)
        {
            if (stage.Needs.HasFlag(part) && root[key] is null or { Kind: SourceKind.Null })
                _errors.Add(node[KindKey]!.Position, $"{flow}: stage '{NameOf(node)}' needs a {key}, but the definition has none; add {example}");
        }
    }

    private void CheckUnique(Dictionary<string, SourcePosition> names, string name, SourcePosition position, string what)
    {
        if (!names.TryAdd(name, position))
            _errors.Add(position, $"{what} named '{name}' (the other: {names[name]}); give one of them another \"name\"");
    }

    // Names become names of folders, and parts of the paths of --set.
    private void CheckName(SourceNode? name, string what)
    {
        if (name is { Kind: SourceKind.String } && !NamePattern().IsMatch(name.Text))
            _errors.Add(name.Position, $"{what}: 'name': found {name.Describe()}, expected up to 64 letters, digits, '-' and '_', a letter or digit first");
    }

    /// <summary>The name of a stage: what it says under <c>name</c>, or else its kind. Null if it has neither.</summary>
    internal static string? NameOf(SourceNode stage)
        => stage.Kind != SourceKind.Object ? null
            : stage[NameKey] is { Kind: SourceKind.String } name ? name.Text
            : stage[KindKey] is { Kind: SourceKind.String } kind ? kind.Text
            : null;

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\\z")]
    private static partial Regex NamePattern();
}
