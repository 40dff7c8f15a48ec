using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Steering;
using Pipeline.Stages.SteeringFits;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary><c>alm apply-sea</c>: applies an edit of activations to a model, and writes the result as a model folder.</summary>
internal static class ApplySeaCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var model = new Option<string>("--model") { Description = "A Hugging Face folder.", HelpName = "DIR", Required = true };
        var edit = new Option<string>("--edit") { Description = "The edit of its activations: a folder that project-sea wrote.", HelpName = "DIR", Required = true };
        var output = new Option<string>("--output", "-o") { Description = "The folder to write.", HelpName = "DIR", Required = true };
        var form = new Option<EditForm>("--form")
        {
            Description = "auto: folded into the weights where that is exact, else written to a file next to them. fold: folded, or refused where that is not exact. argmax: folded into the head, which keeps only the most likely token exact. side: always a file next to the weights.",
            HelpName = "auto|fold|argmax|side",
            DefaultValueFactory = _ => EditForm.Auto,
        };
        var device = new DeviceInput();
        var command = new Command("apply-sea", "Applies an edit of activations to a model and writes the result as a model.");
        foreach (Option option in (Option[])[model, edit, form, output])
            command.Options.Add(option);
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string from = ModelPaths.Model(environment.Storage, parsed.GetRequiredValue(model)), to = Path.GetFullPath(parsed.GetRequiredValue(output));
            if (to == from)
                throw new InputException($"{to} is the model itself; give another folder to write");
            string file = SteeringEdit.PathOf(Path.GetFullPath(parsed.GetRequiredValue(edit)), environment.Storage);
            using TorchDevice torch = device.Create(parsed);
            string said = await torch.RunAsync(() => new EditExport(environment.Storage, torch).Write(from, file, to, parsed.GetValue(form), null), cancellationToken);
            environment.Output.WriteLine($"wrote {to}; {said}");
            return ExitCodes.Success;
        });
        return command;
    }
}
