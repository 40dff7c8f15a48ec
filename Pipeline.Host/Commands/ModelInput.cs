using System.CommandLine;
using System.CommandLine.Parsing;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Language;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Host.Commands;

/// <summary>A model folder, and the name that the command line gives it.</summary>
internal sealed record NamedModel(string Name, string Folder);

/// <summary>The options of <c>generate</c> and <c>serve</c> that name models and ensembles of them.</summary>
internal sealed class ModelInput
{
    private readonly Option<string[]> _models = new("--model")
    {
        Description = "A Hugging Face folder; NAME=DIR names it. May be given more than once.",
        HelpName = "[NAME=]DIR",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _tokenizer = new("--tokenizer") { Description = "For a single model: a tokenizer other than the folder's own: a folder, a tokenizer.json, or bytes.", HelpName = "DIR" };

    private readonly EditInput _edit = new();
    private readonly EnsembleInput _ensembles = new();

    public void AddTo(Command command)
    {
        command.Options.Add(_models);
        command.Options.Add(_tokenizer);
        _edit.AddTo(command);
        _ensembles.AddTo(command);
        command.Validators.Add(result =>
        {
            int models = result.GetValue(_models)?.Length ?? 0;
            if (models == 0 && result.GetResult("--ensemble") is null)
                result.AddError("Option '--model' is required: give a model's folder, or an ensemble of several.");
            if ((models != 1 || result.GetResult("--ensemble") is not null) && (result.GetResult(_tokenizer) ?? result.GetResult("--edit")) is { } single)
                result.AddError($"{((OptionResult)single).Option.Name} works with a single model; with several, each folder must have its own");
        });
    }

    /// <summary>All models, including those that only an ensemble names, and all ensembles.</summary>
    /// <exception cref="InputException">A folder does not exist.</exception>
    /// <exception cref="DefinitionException">Two models or ensembles have the same name.</exception>
    public (IReadOnlyList<NamedModel> Models, IReadOnlyList<EvaluatedEnsemble> Ensembles) Read(ParseResult parsed, IStorage storage)
    {
        List<NamedModel> models = [.. (parsed.GetValue(_models) ?? []).Select(argument => Named(argument, storage))];
        IReadOnlyList<EvaluatedEnsemble> ensembles = _ensembles.Read(parsed);
        foreach ((string ensemble, string member) in ensembles.SelectMany(e => e.Members.Select(m => (e.Name, m))).Where(e => models.All(m => m.Name != e.m)))
        {
            if (!storage.DirectoryExists(Path.GetFullPath(member)))
                throw new InputException($"ensemble '{ensemble}': '{member}' is neither a folder nor one of the models {string.Join(", ", models.Select(m => $"'{m.Name}'"))}");
            models.Add(new NamedModel(member, Path.GetFullPath(member)));
        }
        string? twice = models.Select(m => m.Name).Concat(ensembles.Select(e => e.Name)).GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
        return twice is null ? (models, ensembles) : throw new DefinitionException($"two models are named '{twice}'; name one of them with --model NAME=DIR");
    }

    /// <summary>The model of an argument, which is NAME=DIR, or a folder that is its own name.</summary>
    /// <exception cref="InputException">The folder does not exist.</exception>
    public static NamedModel Named(string argument, IStorage storage)
    {
        int equals = argument.IndexOf('=', StringComparison.Ordinal);
        bool hasName = equals > 0 && !argument.AsSpan(0, equals).Contains('/') && !storage.DirectoryExists(Path.GetFullPath(argument));
        return new NamedModel(hasName ? argument[..equals] : argument, ModelPaths.Model(storage, hasName ? argument[(equals + 1)..] : argument));
    }

    /// <summary>Loads a model, and finds the tokens that end its texts. Must be called on the device's thread. The caller disposes of the model.</summary>
    public ByteMember Load(NamedModel model, ParseResult parsed, IStorage storage, TorchDevice torch)
    {
        TextTokenizer tokenizer = TextTokenizer.Load(parsed.GetValue(_tokenizer) is { } other ? ModelPaths.Tokenizer(other) : model.Folder, storage);
        return new ByteMember(LanguageModel.Load(model.Folder, tokenizer, storage, torch, name: model.Name, edit: _edit.Read(parsed, storage)), EndTokens.Read(model.Folder, tokenizer, storage));
    }
}
