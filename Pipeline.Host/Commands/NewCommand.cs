using System.CommandLine;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Host.Recipes;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Commands;

/// <summary><c>alm new</c>: writes a commented definition for somebody's own model and text.</summary>
internal static class NewCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        Argument<string> kind = new Argument<string>("RECIPE") { Description = string.Join("; ", RecipeKind.All.Select(k => $"{k.Name}: {k.Words}")) + "." }
            .AcceptOnlyFromAmong([.. RecipeKind.All.Select(k => k.Name)]);
        var models = new Option<string[]>("--model") { Description = "A Hugging Face folder. For an ensemble, give the option twice or more.", HelpName = "DIR", Required = true };
        var student = new Option<string?>("--student") { Description = "For large-to-small: the folder of the smaller model.", HelpName = "DIR" };
        var tokenizer = new Option<string?>("--tokenizer") { Description = "The tokenizer to move to: a folder, a tokenizer.json, or bytes.", HelpName = "DIR" };
        Option<string[]> text = Files("--text", "Text to train on: Parquet, or JSON Lines (.jsonl, .gz and .zst too).");
        text.Required = true;
        Option<string[]> heldOut = Files("--heldout", "Text to judge on. Default: the first rows of --text, which are then not trained on.");
        var column = new Option<string?>("--column") { Description = "The column or field of the text. Default: text.", HelpName = "NAME" };
        var messages = new Option<string?>("--messages") { Description = "Instead of --column: the column or field of conversations in --text.", HelpName = "NAME" };
        var output = new Option<string?>("--output", "-o") { Description = "The file to write. Default: standard output.", HelpName = "FILE" };
        var command = new Command("new", "Writes a commented definition for your model and text, with sizes chosen from what it finds (vocabularies, lengths of texts, memory, a GPU), ready for alm check and alm run.");
        command.Arguments.Add(kind);
        foreach (Option option in (Option[])[models, student, tokenizer, text, heldOut, column, messages, output])
            command.Options.Add(option);
        command.SetAction(async parsed =>
        {
            IStorage storage = environment.Storage;
            RecipeKind wanted = RecipeKind.All.First(k => k.Name == parsed.GetRequiredValue(kind));
            wanted.Require(parsed.GetRequiredValue(models).Length, parsed.GetValue(student), parsed.GetValue(tokenizer));
            if (parsed.GetValue(messages) is not null && parsed.GetValue(heldOut) is not { Length: > 0 })
                throw new DefinitionException("--messages: conversations are trained on but not judged on; give --heldout too, with files of plain text");
            string? file = parsed.GetValue(output);
            if (file is not null && storage.FileExists(Path.GetFullPath(file)))
                throw new InputException($"{file} already exists and may have been edited; name another file, or delete it");
            var stages = new CommandStages(environment, Path.GetTempPath(), environment.Error);
            Task<RecipeTexts> Read(string[] files, string? conversations) => RecipeTexts.ReadAsync(files, parsed.GetValue(column), conversations, stages.Create);
            var recipe = new Recipe(
                wanted,
                [.. parsed.GetRequiredValue(models).Select(m => Model(m, storage))],
                parsed.GetValue(student) is { } small ? Model(small, storage) : null,
                parsed.GetValue(tokenizer),
                await Read(parsed.GetRequiredValue(text), parsed.GetValue(messages)),
                parsed.GetValue(heldOut) is { Length: > 0 } others ? await Read(others, null) : null,
                RecipeMachine.Here(),
                file ?? "FILE");
            var check = new RecipeCheck(environment.Catalog(), storage, environment.Time);
            string definition = wanted.Name switch
            {
                "ensemble" => JudgingRecipe.Ensemble(recipe, recipe.Models.Select(m => TextTokenizer.Load(Path.GetFullPath(m.Path), storage).Fingerprint).Distinct(StringComparer.Ordinal).Count() == 1),
                "zero-shot" => JudgingRecipe.ZeroShot(recipe),
                _ => new TrainingRecipe(recipe, storage, check).Write(),
            };
            check.Require(definition);
            stages.PrintRejects(environment.Error);
            if (file is null)
            {
                environment.Output.Write(definition);
                return ExitCodes.Success;
            }
            storage.WriteAtomically(Path.GetFullPath(file), stream => stream.Write(Encoding.UTF8.GetBytes(definition)));
            environment.Output.WriteLine($"wrote {file}; see what it will cost: alm check {file}");
            return ExitCodes.Success;
        });
        return command;
    }

    private static RecipeModel Model(string path, IStorage storage)
    {
        ModelPaths.Model(storage, path);
        return RecipeModel.Read(path, storage);
    }

    private static Option<string[]> Files(string name, string description)
        => new(name) { Description = description, HelpName = "FILES", Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true };
}
