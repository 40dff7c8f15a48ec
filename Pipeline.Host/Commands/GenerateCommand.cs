using System.CommandLine;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary><c>alm generate</c>: continues a prompt and prints the text as it is generated.</summary>
internal static class GenerateCommand
{
    public static Command Create(CommandEnvironment environment)
    {
        var input = new ModelInput();
        var prompt = new Option<string>("--prompt") { Description = "The text to continue. The tokenizer's bos token is put in front of it, if it has one.", HelpName = "TEXT" };
        var prompts = new PromptFileInput();
        var exact = new Option<bool>("--exact-prompt")
        {
            Description = "Where the prompt ends inside a token, continue as the model would over bytes. Ensembles of different tokenizers always do.",
        };
        var choice = new GenerationInput();
        var device = new DeviceInput();
        var command = new Command("generate", "Continues a prompt and prints the new text as it is generated. The most likely token is taken unless an option asks for sampling.");
        input.AddTo(command);
        command.Options.Add(prompt);
        command.Options.Add(exact);
        prompts.AddTo(command, prompt);
        choice.AddTo(command);
        device.AddTo(command);
        var strict = new StrictPositionsInput();
        strict.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            (IReadOnlyList<NamedModel> models, IReadOnlyList<EvaluatedEnsemble> ensembles) = input.Read(parsed, environment.Storage);
            if (ensembles.Count > 1 || (ensembles.Count == 0 && models.Count > 1))
                throw new DefinitionException($"{models.Count} models and {ensembles.Count} ensembles, and only one can answer; give a single --model, or one --ensemble that names them");
            NamedModel[] asked = ensembles.Count == 0 ? [models[0]] : [.. ensembles[0].Members.Select(name => models.First(m => m.Name == name))];
            Averaging averaging = ensembles.Count == 0 ? Averaging.None : Averaging.Of(ensembles[0].Average, asked.Length, ensembles[0].Weights, ensembles[0].Name);
            GenerationOptions options = choice.Read(parsed);
            if (prompts.IsGiven(parsed) && (asked.Length > 1 || parsed.GetValue(exact)))
                throw new DefinitionException("--prompts works with a single model, token by token; with an ensemble or --exact-prompt give one --prompt");
            using TorchDevice torch = device.Create(parsed);
            ByteMember Limited(ByteMember member)
            {
                member.Model.Model.LimitPositions(member.Model.Name, strict.Read(parsed), environment.Error.WriteLine);
                return member;
            }
            if (prompts.IsGiven(parsed))
                return await prompts.RunAsync(parsed, environment, torch, asked[0].Folder, () => Limited(input.Load(asked[0], parsed, environment.Storage, torch)).Model, options, cancellationToken);
            await torch.RunAsync(() =>
            {
                var loaded = new Dictionary<string, ByteMember>(StringComparer.Ordinal);
                try
                {
                    foreach (NamedModel model in asked)
                    {
                        if (!loaded.ContainsKey(model.Name))
                            loaded.Add(model.Name, Limited(input.Load(model, parsed, environment.Storage, torch)));
                    }
                    foreach (string remark in loaded.Values.SelectMany(m => m.Model.Remarks))
                        environment.Error.WriteLine(remark);
                    ByteMember[] members = [.. asked.Select(model => loaded[model.Name])];
                    bool isUnlike = members.Select(m => m.Model.Tokenizer.Fingerprint).Distinct(StringComparer.Ordinal).Count() > 1;
                    if (parsed.GetValue(exact) && members.Length > 1 && !isUnlike)
                        throw new DefinitionException("--exact-prompt works with one model, or with models of different tokenizers; these share a tokenizer and are averaged over its tokens, so leave it out");
                    string text = prompts.Single(parsed, prompt, asked[0].Folder, members[0].Model.Tokenizer, environment.Storage);
                    // Warnings and refusals must come before anything is printed.
                    foreach (ByteMember member in members)
                        member.Model.Model.Positions?.Check(Tokens(member.Model.Tokenizer, text) + options.MaxNewTokens);
                    foreach (string piece in parsed.GetValue(exact) && !isUnlike ? EnsembleGenerator.FromBytes(members[0], text, options) : EnsembleGenerator.Run(members, averaging, text, options))
                    {
                        environment.Output.Write(piece);
                        environment.Output.Flush();
                    }
                }
                finally
                {
                    foreach (ByteMember member in loaded.Values)
                        member.Model.Dispose();
                }
            }, cancellationToken);
            environment.Output.WriteLine();
            return ExitCodes.Success;
        });
        return command;
    }

    private static int Tokens(TextTokenizer tokenizer, string text)
    {
        var ids = new List<int>();
        tokenizer.CreateEncoder().Encode(text, addSpecialTokens: true, ids);
        return ids.Count;
    }
}
