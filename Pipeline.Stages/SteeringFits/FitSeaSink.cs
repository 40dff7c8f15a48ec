using System.Globalization;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Documents;
using Pipeline.Stages.Evaluation;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.SteeringFits;

/// <summary>
/// Runs a model over demonstrations once, and writes what every later fit needs: sums whose size depends only on the model's width (arXiv 2405.09719,
/// equation 1). Each part of the demonstrations is summed and committed by itself.
/// </summary>
internal sealed class FitSeaSink : ISink<Demonstration>, IPartitioned, IPlanned, IDisposable
{
    private const int DemonstrationsAtATime = 64;

    private readonly FitSeaOptions _options;
    private readonly StageContext _context;
    private readonly RunSite _run;
    private readonly TorchDevice _device;
    private readonly ModelPlace _place;
    private readonly SumsFolder _folder;
    private readonly Lazy<ModelConfig> _config;
    private readonly Lazy<IReadOnlyDictionary<string, string>> _madeFrom;
    private StagedFile? _written;

    /// <summary>Resolves which model is read.</summary>
    /// <exception cref="DefinitionException">The model is the teacher, which does not exist, cannot be run here, or has an edit already.</exception>
    public FitSeaSink(FitSeaOptions options, StageContext context)
    {
        (_options, _context, _run, _device) = (options, context, RunSite.Of(context), context.Service<TorchDevice>());
        _place = ModelPlace.Resolve(new EvaluatedModel { Model = options.Model, Tokenizer = options.Tokenizer }, context.Definition, context.RunFolder);
        if (_place.Edit is not null)
            throw new DefinitionException($"stage '{context.StageName}': the teacher has an 'edit', but an edit is fitted on a model without one; name the model's folder in 'model'");
        _folder = new SumsFolder(context.Storage, _run.Output(options.To));
        _config = new(() => ModelConfig.Load(_place.Folder, context.Storage));
        _madeFrom = new(MadeFrom);
    }

    public static StageRegistration Registration { get; } = StageRegistration.Sink<FitSeaOptions, Demonstration, FitSeaSink>(
        "fit-sea", "Runs a model over demonstrations once and writes the sums from which project-sea computes edits of its activations.",
        static (o, c) => new FitSeaSink(o, c))
        .Writing<FitSeaOptions>(static o => [new StageOutput("to", o.To, OutputKind.Sums)])
        .Ruled<FitSeaOptions>(FitSeaRules.Of);

    public int PartitionCount => _options.Count;

    public bool IsPresent(int part) => _context.Storage.FileExists(_folder.PathOf(part, _options.Count));

    public bool IsCommitted(int part)
    {
        if (!IsPresent(part))
            return false;
        string path = _folder.PathOf(part, _options.Count);
        SumsHeader.Read(path, _context.Storage).RequireSame(Header(part, 0), path);
        _folder.List(_options.Count);
        return true;
    }

    public StagePlan Plan(long? records)
    {
        if (!_context.Storage.FileExists(Path.Combine(_place.Folder, ModelConfig.FileName)))
            return new StagePlan(null, []);
        double perLayer = (16.0 * _config.Value.HiddenSize * _config.Value.HiddenSize) + (4.0 * _options.Sample * _config.Value.HiddenSize);
        int layers = Layers().Length;
        return new StagePlan(records,
        [
            new PlanLine("peak memory", perLayer * layers, PlanUnit.Bytes, $"sums of {layers} layers, on top of the model's weights"),
            new PlanLine("on disk", perLayer * layers * _options.Count, PlanUnit.Bytes, "whatever the number of demonstrations"),
        ]);
    }

    public async Task RunAsync(IAsyncEnumerable<Demonstration> input, CancellationToken cancellationToken)
    {
        int part = _context.Partition?.Index ?? 0;
        if (SteeringEdit.IsIn(_place.Folder, _context.Storage))
            throw new InputException($"{_place.Folder} has an edit of its own ({SteeringEdit.FileName}), but an edit is fitted on a model without one; name the plain model's folder");
        TextTokenizer tokenizer = _run.Tokenizers.Get(_place.Tokenizer);
        var encoder = new PromptEncoder(ChatSides.Of(tokenizer, TemplatePath(), _run));
        FitPass pass = await _device.RunAsync(
            () => FitPass.Begin(_options, LanguageModel.Load(_place.Folder, tokenizer, _context.Storage, _device), Layers(), EndTokens.Read(_place.Folder, tokenizer, _context.Storage)), cancellationToken);
        try
        {
            var window = new List<FitRows>();
            await foreach (Demonstration demonstration in input.WithCancellation(cancellationToken))
            {
                try
                {
                    window.Add(FitRows.Of(demonstration, encoder, _options));
                }
                catch (RejectedException e)
                {
                    _context.Rejects.Reject(e.Id, e.Reason, e.Message);
                    continue;
                }
                if (window.Count == DemonstrationsAtATime)
                    await AddAsync();
            }
            await AddAsync();
            cancellationToken.ThrowIfCancellationRequested();
            var file = _written = new StagedFile(_context.Storage, _folder.PathOf(part, _options.Count));
            await _device.RunAsync(() => pass.Write(file.Stream, Header(part, pass.Demonstrations)), cancellationToken);

            async Task AddAsync()
            {
                if (window.Count == 0)
                    return;
                FitRows[] rows = [.. window];
                window.Clear();
                await _device.RunAsync(() => pass.Add(rows), cancellationToken);
                _context.Meter.Count("summed", rows.Length);
                _context.Meter.Count("tokens", rows.Sum(r => (long)r.Base.Length + r.Positive.Length + r.Negative.Length));
            }
        }
        finally
        {
            await _device.RunAsync(pass.Dispose, CancellationToken.None);
        }
    }

    public void Commit()
    {
        _written!.Commit();
        // A list of checksums from before would not match this part.
        _context.Storage.DeleteFile(Path.Combine(_folder.Path, Contracts.Formats.FileList.FileName));
        _folder.List(_options.Count);
    }

    public void Dispose() => _written?.Dispose();

    private SumsHeader Header(int part, long demonstrations)
        => new(_options.Place, _options.Map, Layers(), _config.Value.HiddenSize, part, _options.Count, demonstrations, _madeFrom.Value);

    private Dictionary<string, string> MadeFrom()
    {
        TextTokenizer tokenizer = _run.Tokenizers.Get(_place.Tokenizer);
        return new Dictionary<string, string>(_context.Fingerprint())
        {
            ["model"] = ModelFingerprint.Of(_place.Folder, _context.Storage),
            [SumsHeader.ModelLayers] = _config.Value.Layers.ToString(CultureInfo.InvariantCulture),
            ["tokenizer"] = tokenizer.Fingerprint,
            ["template"] = ChatSides.Of(tokenizer, TemplatePath(), _run).TemplateFingerprint,
            ["base"] = _options.Base == BaseChoice.Greedy ? $"greedy {_options.MaxNewTokens} {System.Text.Json.JsonSerializer.Serialize(_options.Stop)}" : _options.Base.ToString().ToLowerInvariant(),
            ["limit"] = $"{_options.MaxTokens} tokens",
        };
    }

    private string TemplatePath() => _place.Tokenizer == TextTokenizer.BytesPath ? _place.Folder : _place.Tokenizer;

    /// <summary>The layers to sum, in ascending order.</summary>
    /// <exception cref="DefinitionException">The model has no such layer, or one is named twice.</exception>
    private int[] Layers()
    {
        int count = _config.Value.Layers;
        if (FitSeaRules.FaultOfLayers(_options, count) is { } fault)
            throw new DefinitionException($"stage '{_context.StageName}': {fault}");
        return FitSeaRules.LayersOf(_options, count);
    }
}
