using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Student;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary><c>alm merge</c>: merges a model and a PEFT adapter into one model.</summary>
internal static class MergeCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var model = new Option<string>("--model") { Description = "The Hugging Face folder of the model that the adapter was trained on.", HelpName = "DIR", Required = true };
        var adapter = new Option<string>("--adapter") { Description = "A folder with adapter_config.json and adapter_model.safetensors, as the PEFT library writes it (LoRA).", HelpName = "DIR", Required = true };
        var type = new Option<WeightType>("--dtype") { Description = "Number format of the written weights.", HelpName = "float32|bfloat16|float16", DefaultValueFactory = _ => WeightType.Float32 };
        var output = new Option<string>("--output", "-o") { Description = "The folder to write.", HelpName = "DIR", Required = true };
        var device = new DeviceInput();
        var command = new Command("merge", "Merges a PEFT LoRA adapter into its model's weights and writes the result as a model of its own.");
        foreach (Option option in (Option[])[model, adapter, type, output])
            command.Options.Add(option);
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string from = ModelPaths.Model(environment.Storage, parsed.GetRequiredValue(model)), updates = ModelPaths.Model(environment.Storage, parsed.GetRequiredValue(adapter));
            string to = Path.GetFullPath(parsed.GetRequiredValue(output));
            if (to == from || to == updates)
                throw new InputException($"{to} is one of the inputs; give another folder to write");
            using TorchDevice torch = device.Create(parsed);
            (int updated, int replaced) = await AdapterMerge.WriteAsync(from, updates, to, parsed.GetValue(type), environment.Storage, torch, cancellationToken);
            environment.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"wrote {to}: {updated} weights updated, {replaced} replaced"));
            return ExitCodes.Success;
        });
        return command;
    }
}
