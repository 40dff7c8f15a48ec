using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary><c>alm generate</c>: continues a prompt, text as it comes.</summary>
internal static class GenerateCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var model = new Option<string>("--model") { Description = "A Hugging Face folder.", HelpName = "DIR", Required = true };
        var tokenizer = new Option<string?>("--tokenizer") { Description = "Another tokenizer than the folder's own: a folder, a tokenizer.json, or bytes.", HelpName = "DIR" };
        var prompt = new Option<string>("--prompt") { Description = "What is continued. The tokenizer's first mark goes in front of it, where it has one.", HelpName = "TEXT", Required = true };
        var edit = new EditInput();
        var choice = new GenerationInput();
        var device = new DeviceInput();
        var command = new Command("generate", "Continues a prompt and prints the new text as it comes. The most likely token is taken unless an option asks for a draw.");
        foreach (Option option in (Option[])[model, tokenizer, prompt])
            command.Options.Add(option);
        edit.AddTo(command);
        choice.AddTo(command);
        device.AddTo(command);
        command.SetAction(async parsed =>
        {
            string folder = ModelPaths.Model(environment.Storage, parsed.GetRequiredValue(model));
            TextTokenizer text = TextTokenizer.Load(parsed.GetValue(tokenizer) is { } other ? ModelPaths.Tokenizer(other) : folder, environment.Storage);
            GenerationOptions options = choice.Read(parsed);
            var continuation = new Continuation(text, parsed.GetRequiredValue(prompt));
            string? steering = edit.Read(parsed, environment.Storage);
            using TorchDevice torch = device.Create(parsed);
            await torch.RunAsync(() =>
            {
                using LanguageModel decoder = LanguageModel.Load(folder, text, environment.Storage, torch, edit: steering);
                foreach (string remark in decoder.Remarks)
                    environment.Error.WriteLine(remark);
                var generator = new TextGenerator(decoder.Generator(options), continuation.Decode, options);
                foreach (TextPiece piece in generator.Run([continuation.Prompt], EndTokens.Read(folder, text, environment.Storage), decoder.ValidRows))
                {
                    environment.Output.Write(piece.Text);
                    environment.Output.Flush();
                }
            });
            environment.Output.WriteLine();
            return ExitCodes.Success;
        });
        return command;
    }
}
