using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Steering;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Teacher;

/// <summary>A teacher in this process: a Hugging Face folder and, from the first request on, its weights in memory.</summary>
internal sealed class TorchTeacher : IWritingTeacher
{
    // One on the device, and one whose next bytes are chosen from what the device said.
    private const int InFlight = 2;

    private static readonly TeacherAbilities Abilities = new(
        BoundaryKnowledge.Exact, NextByteKnowledge.Exact, HiddenStates: true, Online: true, Generates: true);

    private readonly string _folder;
    private readonly TextTokenizer _tokenizer;
    private readonly IStorage _storage;
    private readonly TorchDevice _device;
    private readonly string? _edit;
    private readonly Lazy<TeacherFacts> _facts;
    private readonly Lazy<IReadOnlyDictionary<string, string>> _fingerprint;
    private readonly Action<string>? _say;
    private readonly Lock _gate = new();
    private readonly bool _strictPositions;
    private Task _prepared = Task.CompletedTask;
    private LanguageModel? _loaded;
    private NextByteModel? _bytes;

    /// <param name="folder">Full path.</param>
    /// <param name="tokenizer">Whose ids rows are of.</param>
    /// <param name="storage">Where the folder is.</param>
    /// <param name="device">Where it computes; stays the caller's and outlives this.</param>
    /// <param name="edit">Full path of an edit of its activations; null: its folder's own, where it has one.</param>
    /// <param name="say">Gets what a person should know of the model; null: nobody does.</param>
    /// <param name="strictPositions">Refuse rows of more tokens than the model was made for.</param>
    public TorchTeacher(string folder, TextTokenizer tokenizer, IStorage storage, TorchDevice device, string? edit = null, Action<string>? say = null, bool strictPositions = false)
    {
        _strictPositions = strictPositions;
        _edit = edit;
        _say = say;
        _folder = folder;
        _tokenizer = tokenizer;
        _storage = storage;
        _device = device;
        _facts = new(() =>
        {
            ModelConfig config = ModelConfig.Load(folder, storage);
            return new TeacherFacts(Abilities, new TeacherShape(config.Layers, config.HiddenSize), Repeatable: true, MostInFlight: InFlight);
        });
        _fingerprint = new(() =>
        {
            // An edit in the model's own folder is one of its weight files.
            var parts = new Dictionary<string, string> { [FingerprintPart.TeacherWeights] = ModelFingerprint.Of(folder, storage) };
            if (edit is not null)
                parts[FingerprintPart.TeacherEdit] = FileHash.Of(storage, SteeringEdit.PathOf(edit, storage)).Hash;
            return parts;
        });
    }

    public static TeacherRegistration Registration { get; } = TeacherRegistration.Of<TeacherDefinition>(
        TeacherDefinition.DefaultBackend, "A Hugging Face folder, computed in this process by torch. This is the default.", _ => Abilities,
        static (teacher, context) => new TorchTeacher(
            RunPaths.Input(context.RunFolder, teacher.Model), SideTokenizers.Teacher(RunSite.Of(context)), context.Storage, context.Service<TeacherDevice>().Device,
            teacher.Edit is null ? null : RunPaths.Input(context.RunFolder, teacher.Edit), context.Meter.Say, context.Definition.StrictPositions));

    public TeacherFacts Facts => _facts.Value;

    public IReadOnlyDictionary<string, string> Fingerprint => _fingerprint.Value;

    public void Prepare()
    {
        // Scoring a row of one token makes everything happen that happens only once.
        if (_loaded is null)
            _prepared = _device.RunAsync(() => { new TeacherScorer(Load(), []).Score([new TeacherQuestion([0])]); });
    }

    public async Task<IReadOnlyList<TeacherAnswer>> ScoreAsync(TeacherRequest request, CancellationToken cancellationToken)
    {
        (TeacherScorer scorer, IReadOnlyList<TeacherAnswer> answers) = await _device.RunAsync(
            () =>
            {
                var scorer = new TeacherScorer(Load(), request.HiddenLayers, request.Bytes is null ? null : LoadBytes(), request.Bytes);
                return (scorer, scorer.Score(request.Rows));
            },
            cancellationToken).ConfigureAwait(false);
        return scorer.WithBytes(answers, request.Rows);
    }

    public Task<IReadOnlyList<TeacherWriting>> WriteAsync(WritingRequest request, CancellationToken cancellationToken)
        => _device.RunAsync(() => TeacherWriter.Write(Load(), EndTokens.Read(_folder, _tokenizer, _storage), request), cancellationToken);

    /// <summary>
    /// The weights in memory, read when they are not. On a device's thread, its own or that of a student alongside it, one at a time; they
    /// stay this object's.
    /// </summary>
    public LanguageModel Load()
    {
        lock (_gate) return _loaded ??= Read();
    }

    private LanguageModel Read()
    {
        LanguageModel model = LanguageModel.Load(_folder, _tokenizer, _storage, _device, edit: _edit);
        try
        {
            NotFinite.RefuseWeights(_folder, model.Model);
            model.Model.LimitPositions($"the teacher, {_folder},", _strictPositions, _say);
            foreach (string remark in model.Remarks) _say?.Invoke(remark);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private NextByteModel LoadBytes()
    {
        if (_bytes is not null) return _bytes;
        LanguageModel model = Load();
        var vocabulary = new ByteVocabulary(_tokenizer, EndTokens.Read(_folder, _tokenizer, _storage), model.Model.Config.VocabularySize);
        return _bytes = new NextByteModel(model.Model, vocabulary, model.IsExpanded ? ids => model.Embed(ids) : null);
    }

    public async ValueTask ReleaseAsync()
    {
        await Task.WhenAny(_prepared).ConfigureAwait(false);
        if (_loaded is null) return;
        await _device.RunAsync(() =>
        {
            _bytes?.Dispose();
            _bytes = null;
            _loaded?.Dispose();
            _loaded = null;
        }).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => ReleaseAsync();
}
