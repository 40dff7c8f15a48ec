using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;
using Pipeline.Stages.Writing;

namespace Pipeline.Host.Commands;

/// <summary>The options of <c>generate</c> that say where prompts come from: the command line, or a file of them.</summary>
internal sealed class PromptFileInput
{
    private readonly Option<string?> _file = new("--prompts") { Description = "Instead of --prompt: a JSON Lines file with one prompt per line, continued in batches. Needs --output.", HelpName = "FILE.jsonl" };
    private readonly Option<string> _field = new("--column") { Description = "The field of --prompts: text, or with --chat a list of messages.", HelpName = "NAME", DefaultValueFactory = _ => "prompt" };
    private readonly Option<string?> _output = new("--output", "-o") { Description = "The file to write, with a line {row, text, tokens, ended} or {row, error} for each line of --prompts.", HelpName = "FILE.jsonl" };
    private readonly Option<bool> _chat = new("--chat") { Description = "Render prompts with the folder's chat template, up to where the answer begins. A plain text is taken as the user's turn." };
    private readonly Option<int> _batch = new("--batch") { Description = "How many prompts of a file are continued together.", HelpName = "N", DefaultValueFactory = _ => 16 };

    public void AddTo(Command command, Option<string> prompt)
    {
        NumberRange.AddTo(_batch, 1, 4096);
        foreach (Option option in (Option[])[_file, _field, _output, _chat, _batch])
            command.Options.Add(option);
        command.Validators.Add(result =>
        {
            bool one = result.GetResult(prompt) is not null, many = result.GetResult(_file) is not null;
            if (one == many)
                result.AddError(one ? "--prompt and --prompts are both given; give one of them" : "give a --prompt, or a file of --prompts");
            else if (many != (result.GetResult(_output) is not null))
                result.AddError(many ? "--prompts needs --output for the answers" : "--output goes with --prompts; the answer to a single prompt is printed");
        });
    }

    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_file) is not null;

    /// <summary>The prompt of the command line as the model gets it, rendered with the chat template if that was asked for.</summary>
    public string Single(ParseResult parsed, Option<string> prompt, string folder, TextTokenizer tokenizer, IStorage storage)
    {
        string text = parsed.GetRequiredValue(prompt);
        return parsed.GetValue(_chat) ? ChatPrompt.OfUser(folder, tokenizer, text, storage) : text;
    }

    /// <summary>Loads the model, and continues every prompt of the file.</summary>
    /// <returns>The exit code of the command.</returns>
    public async Task<int> RunAsync(
        ParseResult parsed, CommandEnvironment environment, TorchDevice torch, string folder, Func<LanguageModel> load, GenerationOptions generation, CancellationToken cancellationToken)
    {
        var options = new GenerateFileOptions(
            ModelPaths.File(environment.Storage, parsed.GetValue(_file)!), Path.GetFullPath(parsed.GetValue(_output)!), parsed.GetRequiredValue(_field), parsed.GetValue(_chat), parsed.GetValue(_batch), generation);
        LanguageModel model = await torch.RunAsync(load, cancellationToken);
        try
        {
            foreach (string remark in model.Remarks)
                await environment.Error.WriteLineAsync(remark);
            (long written, long rejected) = await new GenerateFile(environment.Storage, torch).RunAsync(folder, model, options, cancellationToken);
            await environment.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{written} written, {rejected} could not be: their lines say why"));
            return ExitCodes.Success;
        }
        finally
        {
            await torch.RunAsync(model.Dispose, CancellationToken.None);
        }
    }
}
