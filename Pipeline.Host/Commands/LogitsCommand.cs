using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Torch;
using static TorchSharp.torch;

namespace Pipeline.Host.Commands;

/// <summary><c>alm logits</c>: writes the logits and hidden states of a model, to compare them with another implementation.</summary>
internal static class LogitsCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var model = new Option<string>("--model") { Description = "A Hugging Face folder.", HelpName = "DIR", Required = true };
        var input = new Option<string>("--input") { Description = "A safetensors file with input_ids [B,T] and, optionally, attention_mask and position_ids [B,T].", HelpName = "IN.safetensors", Required = true };
        var output = new Option<string>("--output", "-o") { Description = "The safetensors file to write: logits [B,T,V] and hidden_states [L+1,B,T,H] in float32.", HelpName = "OUT.safetensors", Required = true };
        var device = new DeviceInput();
        var command = new Command("logits", "Computes the logits and hidden states for given ids, in float32.");
        foreach (Option option in (Option[])[model, input, output])
            command.Options.Add(option);
        device.AddTo(command);
        command.SetAction(async parsed =>
        {
            string folder = ModelPaths.Model(environment.Storage, parsed.GetRequiredValue(model));
            string from = ModelPaths.File(environment.Storage, parsed.GetRequiredValue(input));
            string to = Path.GetFullPath(parsed.GetRequiredValue(output));
            using TorchDevice torch = device.Create(parsed);
            await torch.RunAsync(() =>
            {
                using LanguageModel decoder = LanguageModel.Load(folder, null, environment.Storage, torch, ScalarType.Float32);
                foreach (string remark in decoder.Remarks)
                    environment.Error.WriteLine(remark);
                LogitsFile.Write(decoder.Model, from, to, environment.Storage, decoder.Embed);
            });
            return ExitCodes.Success;
        });
        return command;
    }
}
