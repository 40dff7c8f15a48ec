using System.CommandLine;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Steering;

namespace Pipeline.Host.Commands;

/// <summary>The edit of a model's activations: the option shared by every command that runs one model.</summary>
internal sealed class EditInput
{
    private readonly Option<string?> _edit = new("--edit") { Description = "An edit of the model's activations: a folder that project-sea wrote.", HelpName = "DIR" };

    public void AddTo(Command command) => command.Options.Add(_edit);

    /// <summary>Full path of its file; null if none is asked for.</summary>
    /// <exception cref="Contracts.Errors.InputException">It does not exist.</exception>
    public string? Read(ParseResult parsed, IStorage storage)
        => parsed.GetValue(_edit) is { } edit ? SteeringEdit.PathOf(Path.GetFullPath(edit), storage) : null;
}
