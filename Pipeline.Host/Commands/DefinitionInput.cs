using System.CommandLine;
using Pipeline.Host.Definitions;

namespace Pipeline.Host.Commands;

/// <summary>The definition and its <c>--set</c>, as every command that takes one spells them.</summary>
internal sealed class DefinitionInput
{
    private readonly Argument<string> _path = new("DEFINITION") { Description = "A definition file: JSON with comments; see pipelines/ and alm schema." };

    private readonly Option<string[]> _sets = new("--set")
    {
        Description = "Changes one key: --set seed=3, --set teacher.model=FOLDER, --set flows.FLOW.STAGE.KEY=VALUE, where FLOW may be * for every flow that has the stage. The value is read as JSON if it is JSON, else as a string. May be given more than once.",
        HelpName = "PATH=VALUE",
        Arity = ArgumentArity.OneOrMore,
    };

    public string Path(ParseResult parsed) => parsed.GetRequiredValue(_path);

    public void AddTo(Command command)
    {
        command.Arguments.Add(_path);
        command.Options.Add(_sets);
    }

    public LoadedDefinition Load(ParseResult parsed, DefinitionLoader loader) => loader.Load(Path(parsed), parsed.GetValue(_sets) ?? []);

    /// <summary>As <see cref="Load"/>, but broken rules are left in it, to be reported together with those that need its run folder.</summary>
    public LoadedDefinition Read(ParseResult parsed, DefinitionLoader loader) => loader.Read(Path(parsed), parsed.GetValue(_sets) ?? []);
}
