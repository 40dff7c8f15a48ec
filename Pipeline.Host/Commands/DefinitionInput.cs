using System.CommandLine;
using Pipeline.Host.Definitions;

namespace Pipeline.Host.Commands;

/// <summary>The arguments of every command that takes a definition: its path, and <c>--set</c>.</summary>
internal sealed class DefinitionInput
{
    private readonly Argument<string> _path = new("DEFINITION") { Description = "A definition file: JSON with comments; see pipelines/ and alm schema." };

    private readonly Option<string[]> _sets = new("--set")
    {
        Description = "Changes one key: --set seed=3, --set teacher.model=FOLDER, --set flows.FLOW.STAGE.KEY=VALUE, where FLOW may be * for every flow that has the stage. The value is read as JSON if it is JSON, else as a string. May be given more than once.",
        HelpName = "PATH=VALUE",
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>The path of the definition, as it was given.</summary>
    public string Path(ParseResult parsed) => parsed.GetRequiredValue(_path);

    public void AddTo(Command command)
    {
        command.Arguments.Add(_path);
        command.Options.Add(_sets);
    }

    /// <summary>Reads the definition, and refuses one that breaks rules.</summary>
    public LoadedDefinition Load(ParseResult parsed, DefinitionLoader loader) => loader.Load(Path(parsed), parsed.GetValue(_sets) ?? []);

    /// <summary>Reads the definition, but leaves broken rules in it. They are reported later, together with the rules that need the run folder.</summary>
    public LoadedDefinition Read(ParseResult parsed, DefinitionLoader loader) => loader.Read(Path(parsed), parsed.GetValue(_sets) ?? []);
}
