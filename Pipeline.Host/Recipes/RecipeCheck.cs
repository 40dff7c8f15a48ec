using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Definitions;
using Pipeline.Host.Runs;

namespace Pipeline.Host.Recipes;

/// <summary>Finds out what <c>alm check</c> would say about a definition that is being written.</summary>
internal sealed class RecipeCheck(StageCatalog catalog, IStorage storage, TimeProvider time)
{
    private readonly DefinitionLoader _loader = new(catalog, storage);

    /// <summary>The peak memory that the last stage of a flow plans with, in bytes. 0 if it does not say.</summary>
    /// <exception cref="DefinitionException">The text is not a definition, which is a defect of the recipe.</exception>
    public double PeakBytes(string text, string flow)
    {
        LoadedDefinition definition = Parse(text);
        using var run = new UnrunStages(definition.Definition, Folder(definition), catalog, storage, time);
        FlowGraph graph = FlowGraph.CreateSink(run.Surroundings, definition.Definition.Flows.First(f => f.Name == flow));
        return (graph.Sink as IPlanned)?.Plan(null).Lines.Where(l => l.What == "peak memory").Select(l => l.Amount).DefaultIfEmpty().Max() ?? 0;
    }

    /// <summary>Checks all rules of a definition.</summary>
    /// <exception cref="AlmException">The definition breaks a rule, or names a file that cannot be read.</exception>
    public void Require(string text)
    {
        LoadedDefinition definition = Parse(text);
        using var run = new UnrunStages(definition.Definition, Folder(definition), catalog, storage, time);
        new RunRules(definition, run.Surroundings).Require(_ => true);
    }

    private LoadedDefinition Parse(string text) => _loader.Parse("the definition", Encoding.UTF8.GetBytes(text));

    private static string Folder(LoadedDefinition definition) => Path.GetFullPath(Path.Combine("runs", definition.Definition.Name));
}
