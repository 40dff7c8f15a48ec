using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Commands;

/// <summary><c>alm tokenize</c>: writes the token ids of texts, to compare them with another implementation.</summary>
internal static class TokenizeCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var tokenizer = new Option<string>("--tokenizer") { Description = "A Hugging Face folder, a tokenizer.json, or bytes for one token per byte.", HelpName = "DIR", Required = true };
        var input = new Option<string>("--input") { Description = "JSON Lines, each with a string \"text\"; .gz and .zst are read too. - reads standard input.", HelpName = "FILE.jsonl", Required = true };
        var output = new Option<string>("--output", "-o") { Description = "The file to write, with a line {\"ids\": [...]} for each line of the input, or {\"error\": ...} where the line cannot be used. - writes to standard output.", HelpName = "FILE.jsonl", Required = true };
        var specials = new Option<bool>("--add-special-tokens") { Description = "Add the special tokens of the tokenizer's template to each text." };
        var decode = new Option<bool>("--decode") { Description = "Add \"decoded\": the text of the ids, without the template's special tokens." };
        var command = new Command("tokenize", "Tokenizes texts exactly as Hugging Face's tokenizers do.");
        foreach (Option option in (Option[])[tokenizer, input, output, specials, decode])
            command.Options.Add(option);
        command.SetAction(async (parsed, _) =>
        {
            using var files = new StandardFiles(environment);
            string from = files.Input(parsed.GetRequiredValue(input)), to = files.Output(parsed.GetRequiredValue(output));
            TokenizeFileCounts counts = await files.RunAsync(() => Task.FromResult(TokenizeFile.Run(
                TextTokenizer.Load(ModelPaths.Tokenizer(parsed.GetRequiredValue(tokenizer)), environment.Storage), environment.Storage, from, to, parsed.GetValue(specials), parsed.GetValue(decode))));
            if (counts.Rejected > 0)
                environment.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{counts.Tokenized} tokenized, {counts.Rejected} could not be: their lines say why"));
            return ExitCodes.Success;
        });
        return command;
    }
}
