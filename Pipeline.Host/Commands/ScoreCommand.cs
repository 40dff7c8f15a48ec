using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary><c>alm score</c>: what a model thinks of every token of a text.</summary>
internal static class ScoreCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var model = new Option<string>("--model") { Description = "A Hugging Face folder.", HelpName = "DIR", Required = true };
        var tokenizer = new Option<string?>("--tokenizer") { Description = "Another tokenizer than the folder's own: a folder, a tokenizer.json, or bytes.", HelpName = "DIR" };
        var input = new Option<string>("--input") { Description = "JSON Lines with a field of text; .gz and .zst are read too.", HelpName = "FILE.jsonl", Required = true };
        var field = new Option<string>("--column") { Description = "The field of text.", HelpName = "NAME", DefaultValueFactory = _ => "text" };
        var output = new Option<string>("--output", "-o")
        {
            Description = "Gets a line for each line of the input: ids, logLikelihoods and logBoundaryMasses in nats, bytes, bitsPerByte; or the error.",
            HelpName = "FILE.jsonl",
            Required = true,
        };
        var batch = new Option<int>("--batch-tokens") { Description = "Tokens of a batch, padding included.", HelpName = "N", DefaultValueFactory = _ => 8192 };
        NumberRange.AddTo(batch, 1, 1 << 24);
        var device = new DeviceInput();
        var command = new Command("score", "Scores documents: per token log-likelihood and log boundary mass, per document bits per byte.");
        foreach (Option option in (Option[])[model, tokenizer, input, field, output, batch])
            command.Options.Add(option);
        device.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new ScoreFileOptions(
                ModelPaths.Model(environment.Storage, parsed.GetRequiredValue(model)),
                parsed.GetValue(tokenizer) is { } other ? ModelPaths.Tokenizer(other) : null,
                ModelPaths.File(environment.Storage, parsed.GetRequiredValue(input)),
                Path.GetFullPath(parsed.GetRequiredValue(output)),
                parsed.GetRequiredValue(field),
                parsed.GetValue(batch));
            using TorchDevice torch = device.Create(parsed);
            ScoreFileCounts counts = await new ScoreFile(environment.Storage, torch).RunAsync(options, cancellationToken);
            environment.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{counts.Scored} scored, {counts.Rejected} could not be: their lines say why"));
            return ExitCodes.Success;
        });
        return command;
    }
}
