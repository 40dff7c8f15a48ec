using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Hypernetworks;
using Pipeline.Stages.Rules;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Student;

/// <summary>
/// Checks, before anything runs, that a student can be made as its definition says: its files, its tokenizer, and the embeddings of a new vocabulary.
/// </summary>
internal sealed class StudentRules
{
    private readonly StudentDefinition _student;
    private readonly StageContext _context;
    private readonly KnownModels _models;
    private readonly string _prefix;
    private readonly bool _ofRun;

    private StudentRules(StudentDefinition student, bool ofRun, StageContext context)
    {
        (_student, _ofRun, _context, _models) = (student, ofRun, context, new KnownModels(context));
        _prefix = "student";
    }

    /// <summary>Findings about the student that the stage's flow trains: the stage's own, or otherwise the run's.</summary>
    public static IEnumerable<RuleFinding> Of(StageContext context) => context.Facts.Student is { } own
        ? new StudentRules(own, ofRun: false, context).All()
        : OfRun(context);

    /// <summary>Findings about the run's student.</summary>
    public static IEnumerable<RuleFinding> OfRun(StageContext context)
        => context.Definition.Student is { } student ? new StudentRules(student, ofRun: true, context).All() : [];

    private RuleFinding[] All()
    {
        RuleFinding[] files = [.. Files()];
        return files.Any(f => !f.IsWarning) ? files : [.. files, .. Vocabulary()];
    }

    private RuleFinding At(string key, string message) => new($"{_prefix}.{key}", $"'{_prefix}.{key}': {message}") { OfRun = _ofRun };

    private IEnumerable<RuleFinding> WithOrigin(IEnumerable<RuleFinding> findings) => findings.Select(f => f with { OfRun = _ofRun });

    private IEnumerable<RuleFinding> Files()
    {
        if (_student is { Model: null, Config: null } or { Model: not null, Config: not null })
        {
            // For the run's own student, the reader of definitions reports this.
            if (!_ofRun)
                yield return new RuleFinding(_prefix, $"'{_prefix}': found {(_student.Model is null ? "neither" : "both")} 'model' {(_student.Model is null ? "nor" : "and")} 'config', expected one of them");
            yield break;
        }
        if (_student.Config is { } config)
        {
            if (_student.InputExpansion)
                yield return At("inputExpansion", "it adds the embeddings of a model's old vocabulary, but the student starts from a config; give a model");
            if (FaultOfConfig(config) is { } fault)
                yield return At("config", fault);
            if (_student.Edit is not null)
                yield return At("edit", "an edit is fitted on a model, but the student starts from a config; give that model");
        }
        else
        {
            foreach (RuleFinding finding in WithOrigin(ModelFolderRules.Of($"{_prefix}.model", _student.Model!, _context).Concat(ModelFolderRules.Edit($"{_prefix}.edit", _student.Edit, _context))))
                yield return finding;
        }
        string tokenizerKey = _student.Tokenizer is not null ? "tokenizer" : _student.Model is not null ? "model" : "tokenizer";
        foreach (RuleFinding finding in WithOrigin(SideRules.Tokenizer($"{_prefix}.{tokenizerKey}", _student.Tokenizer, _student.Model, _context)))
            yield return finding;
    }

    private string? FaultOfConfig(string path)
    {
        if (RunNames.Fault(path, _context) is { } fault)
            return fault;
        try
        {
            _ = _models.Config(path);
            return null;
        }
        catch (InputException e)
        {
            return e.Message;
        }
    }

    private IEnumerable<RuleFinding> Vocabulary()
    {
        if (_student.Model is not { } model || _models.Tokenizer(model) is not { } source || _models.TokenizerOf(_student) is not { } target)
            yield break;
        EmbeddingInitialisation start = EmbeddingChoice.Parse(_student.Embeddings).Kind;
        bool same = source.Fingerprint == target.Fingerprint;
        if (start == EmbeddingInitialisation.Keep && !same)
        {
            yield return At("embeddings", $"'keep' keeps the model's vocabulary, but '{_student.Tokenizer}' is a different tokenizer ({target.VocabularySize} tokens) from the model's ({source.VocabularySize}); "
                + "leave 'tokenizer' out, or say how the new embeddings are initialized (such as fvt)");
            yield break;
        }
        bool keeps = same && start != EmbeddingInitialisation.Hypernetwork;
        if (keeps && _models.Config(model) is { } config && target.VocabularySize > config.VocabularySize)
            yield return At("model", $"{model} has {config.VocabularySize} embeddings but a tokenizer of {target.VocabularySize} tokens; give the tokenizer of this model");
        bool expanded = RunNames.Find(model, _context) is null && ExpandedInput.IsIn(RunSite.Of(_context).Input(model), _context.Storage);
        if (expanded && !keeps)
            yield return At("tokenizer", $"{model} has input expansion, which works only with its own tokenizer; start from a folder without it, or keep the tokenizer");
        if (_student.InputExpansion && !expanded)
        {
            if (keeps)
                yield return At("inputExpansion", "it adds the embeddings of an old vocabulary, but the student keeps its vocabulary; give it \"tokenizer\": \"bytes\"");
            else if (ExpandedInput.FaultOf(target) is { } fault)
                yield return At("inputExpansion", fault);
        }
        if (!keeps)
        {
            foreach (RuleFinding finding in NewRows(start, target))
                yield return finding;
        }
    }

    private IEnumerable<RuleFinding> NewRows(EmbeddingInitialisation start, TextTokenizer target)
    {
        if (start == EmbeddingInitialisation.Hypernetwork)
        {
            if (FaultOfHypernetwork(EmbeddingChoice.Parse(_student.Embeddings).Folder!) is { } fault)
                yield return At("embeddings", fault);
        }
        else if (start is EmbeddingInitialisation.Omp or EmbeddingInitialisation.Focus)
        {
            if (_student.Donor is not { } donor)
            {
                yield return At("embeddings", $"'{_student.Embeddings}' needs a 'donor': a model folder that has the student's tokenizer");
                yield break;
            }
            RuleFinding[] faults = [.. WithOrigin(ModelFolderRules.Of($"{_prefix}.donor", donor, _context))];
            foreach (RuleFinding finding in faults)
                yield return finding;
            if (faults.All(f => f.IsWarning) && _models.Tokenizer(donor) is { } tokenizer && tokenizer.Fingerprint != target.Fingerprint)
                yield return At("donor", $"the tokenizer of {donor} is {tokenizer.Fingerprint[..12]}, the student's {target.Fingerprint[..12]}; a donor must have the student's tokenizer");
        }
    }

    private string? FaultOfHypernetwork(string folder)
    {
        if (RunNames.Fault(folder, _context, OutputKind.Hypernetwork) is { } fault)
            return fault;
        if (RunNames.Find(folder, _context) is not null)
            return null;
        try
        {
            _ = HypernetworkManifest.Read(_context.Storage, RunSite.Of(_context).Input(folder));
            return null;
        }
        catch (AlmException e) when (e is InputException or DamagedException)
        {
            return e.Message;
        }
    }
}
