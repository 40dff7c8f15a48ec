using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Host.Definitions;
using Pipeline.Host.Graph;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Runs;

/// <summary>
/// Checks everything that can be known to be wrong with a run before any flow begins: the rules of the definition itself, those of its outputs, and what
/// stages say about the files that they are given. All findings are reported together, each with its place in the definition. One object checks one run.
/// </summary>
internal sealed class RunRules(LoadedDefinition definition, StageSurroundings surroundings)
{
    private readonly DefinitionErrors _errors = new(definition.Errors);

    /// <summary>Checks all rules.</summary>
    /// <param name="concerns">
    /// Whether the flow of an index still has work to do. The stages of other flows are not asked, because the input of a flow that is done may be gone.
    /// </param>
    /// <returns>Warnings, each with its place in the definition.</returns>
    /// <exception cref="DefinitionException">Rules are broken. The message has a line for each.</exception>
    /// <exception cref="InputException">The definition is in order, but something that it names is not.</exception>
    public IReadOnlyList<string> Require(Func<int, bool> concerns)
    {
        OutputRules.Check(definition, surroundings.Catalog, surroundings.RunFolder, _errors);
        IReadOnlyList<FlowDefinition> flows = definition.Definition.Flows;
        for (int i = 0; i < flows.Count; i++)
        {
            if (concerns(i))
                Check(flows[i], definition.Source["flows"]!.Items[i]["stages"]!);
        }
        _errors.ThrowIfAny();
        return _errors.Warnings;
    }

    private void Check(FlowDefinition flow, SourceNode stages)
    {
        FlowFacts facts = surroundings.Catalog.FactsOf(flow, definition.Definition);
        for (int i = 0; i < flow.Stages.Count; i++)
        {
            StageDefinition stage = flow.Stages[i];
            string where = $"flow '{flow.Name}', stage '{stage.Name}'";
            try
            {
                foreach (RuleFinding finding in surroundings.Catalog[stage.Kind.Value].Rules(stage.Options, Context(flow, facts, stage)))
                    Add(finding, stages.Items[i], where);
            }
            catch (AlmException e) when (e is DefinitionException or InputException)
            {
                // A rule cannot read a file that it has to look at. The stage could not read it either.
                _errors.AddRule(stages.Items[i].Position, $"{where}: {e.Message}", e is InputException);
            }
            catch (Exception e) when (MemoryExhaustion.Is(e))
            {
                throw StageFailure.Name(flow.Name, stage.Name, e);
            }
        }
    }

    private void Add(RuleFinding finding, SourceNode stage, string where)
    {
        SourcePosition position = (finding.OfRun ? definition.Source : stage).Nearest(finding.Key).Position;
        string message = $"{(finding.OfRun ? "the definition" : where)}: {finding.Message}";
        if (finding.IsWarning)
            _errors.Warn(position, message);
        else
            _errors.AddRule(position, message, finding.IsInput);
    }

    private StageContext Context(FlowDefinition flow, FlowFacts facts, StageDefinition stage)
    {
        var meter = new StageMeter(flow.Name, stage.Name, NoScalars.Instance, static _ => { });
        return new StageContext(
            definition.Definition, facts, stage.Name, surroundings.RunFolder, surroundings.Storage, meter, new StageRejects(meter, NoRejects.Instance, null), surroundings.Services, null);
    }
}
