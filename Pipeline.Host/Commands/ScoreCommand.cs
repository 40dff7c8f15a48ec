using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary><c>alm score</c>: computes the likelihood that a model gives to every token of a text, or its distribution over the next byte.</summary>
internal static class ScoreCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var model = new Option<string>("--model") { Description = "A Hugging Face folder.", HelpName = "DIR", Required = true };
        var tokenizer = new Option<string?>("--tokenizer") { Description = "A tokenizer other than the folder's own: a folder, a tokenizer.json, or bytes.", HelpName = "DIR" };
        var input = new Option<string>("--input") { Description = "JSON Lines with a field of text; .gz and .zst are read too. - reads standard input.", HelpName = "FILE.jsonl", Required = true };
        var field = new Option<string>("--column") { Description = "The field of text.", HelpName = "NAME", DefaultValueFactory = _ => "text" };
        var output = new Option<string?>("--output", "-o")
        {
            Description = "The file to write, with a line for each line of the input: ids, logLikelihoods and logBoundaryMasses in nats, bytes, bitsPerByte; or the error. - writes to standard output. May be left out with --next-bytes.",
            HelpName = "FILE.jsonl",
        };
        var nextBytes = new Option<string?>("--next-bytes")
        {
            Description = "A safetensors file to write. Line I, counted from 0, gets the tensor I.logp [N + 1, 257]: natural log-probabilities of the next byte, and of the end, after the first 0 to N bytes of the text.",
            HelpName = "FILE.safetensors",
        };
        var view = new Option<BytesView>("--bytes")
        {
            Description = "exact: from every context that the tokenizer can make of the bytes so far. trunk: from the text's own tokens only, which is cheaper and not a distribution of the model.",
            HelpName = "exact|trunk",
            DefaultValueFactory = _ => BytesView.Exact,
        };
        var batch = new Option<int>("--batch-tokens") { Description = "Tokens per batch, padding included.", HelpName = "N", DefaultValueFactory = _ => 8192 };
        NumberRange.AddTo(batch, 1, 1 << 24);
        var edit = new EditInput();
        var device = new DeviceInput();
        var command = new Command("score", "Scores documents: log-likelihood and log boundary mass of each token, bits per byte of each document.");
        foreach (Option option in (Option[])[model, tokenizer, input, field, output, nextBytes, view, batch])
            command.Options.Add(option);
        edit.AddTo(command);
        device.AddTo(command);
        var strict = new StrictPositionsInput();
        strict.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(output) is null && result.GetValue(nextBytes) is null)
                result.AddError("give --output, --next-bytes or both: the scores must go somewhere");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var files = new StandardFiles(environment);
            string folder = ModelPaths.Model(environment.Storage, parsed.GetRequiredValue(model)), text = files.Input(parsed.GetRequiredValue(input));
            string? other = parsed.GetValue(tokenizer) is { } named ? ModelPaths.Tokenizer(named) : null;
            string? steering = edit.Read(parsed, environment.Storage);
            using TorchDevice torch = device.Create(parsed);
            ScoreFileCounts counts = default;
            if (parsed.GetValue(output) is { } lines)
            {
                var options = new ScoreFileOptions(folder, other, text, files.Output(lines), parsed.GetRequiredValue(field), parsed.GetValue(batch), steering, strict.Read(parsed));
                counts = await files.RunAsync(() => new ScoreFile(environment.Storage, torch, environment.Error.WriteLine).RunAsync(options, cancellationToken));
            }
            if (parsed.GetValue(nextBytes) is { } tensors)
            {
                var options = new NextByteFileOptions(folder, other, text, Path.GetFullPath(tensors), parsed.GetValue(view), parsed.GetRequiredValue(field), parsed.GetValue(batch), steering, strict.Read(parsed));
                counts = await files.RunAsync(() => new NextByteFile(environment.Storage, torch, parsed.GetValue(output) is null ? environment.Error.WriteLine : null).RunAsync(options, cancellationToken));
            }
            string rest = parsed.GetValue(output) is null ? "have no tensor" : "could not be: their lines say why";
            environment.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{counts.Scored} scored, {counts.Rejected} {rest}"));
            return ExitCodes.Success;
        });
        return command;
    }
}
