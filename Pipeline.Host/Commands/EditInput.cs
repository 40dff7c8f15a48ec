using System.CommandLine;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Steering;

namespace Pipeline.Host.Commands;

/// <summary>The option that names an edit of a model's activations.</summary>
internal sealed class EditInput
{
    private readonly Option<string?> _edit = new("--edit") { Description = "An edit of the model's activations: a folder that project-sea wrote.", HelpName = "DIR" };

    public void AddTo(Command command) => command.Options.Add(_edit);

    /// <summary>The full path of the file of the edit. Null if none was given.</summary>
    /// <exception cref="Contracts.Errors.InputException">The edit does not exist.</exception>
    public string? Read(ParseResult parsed, IStorage storage)
        => parsed.GetValue(_edit) is { } edit ? SteeringEdit.PathOf(Path.GetFullPath(edit), storage) : null;
}
