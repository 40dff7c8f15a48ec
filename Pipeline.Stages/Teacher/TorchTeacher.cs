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

/// <summary>
/// A teacher that torch computes in this process. It is a Hugging Face folder, whose weights are in memory from <see cref="Prepare"/> or the first
/// request on, until it is released. All methods but <see cref="Load"/> may be called on any thread.
/// </summary>
internal sealed class TorchTeacher : IWritingTeacher
{
    // One request is computed on the device. Meanwhile, the next bytes to keep are chosen for the one before it.
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

    /// <summary>Makes a teacher without reading anything yet.</summary>
    /// <param name="folder">The model's folder, as a full path.</param>
    /// <param name="tokenizer">The tokenizer whose ids the rows have.</param>
    /// <param name="storage">The storage that has the folder.</param>
    /// <param name="device">The device that computes. It stays the caller's, and must live longer than this object.</param>
    /// <param name="edit">The full path of an edit of the model's activations; null for the edit in the model's own folder, if there is one.</param>
    /// <param name="say">Gets what a person should know about the model. May be null.</param>
    /// <param name="strictPositions">Whether rows with more tokens than the model was made for are refused, and not only warned about.</param>
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
            // An edit in the model's own folder is not named here, because the hash of the weights covers it.
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
        // Scoring a row of one token loads the weights, and does everything else that the first request would have to wait for.
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
    /// The model, which is loaded if it is not in memory. It stays this object's. To be called on a device's thread: this teacher's, or that of a student
    /// next to which it runs, but only one of them may use the model at a time.
    /// </summary>
    /// <exception cref="Contracts.Errors.InputException">The folder cannot be loaded, or a weight is not finite.</exception>
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
