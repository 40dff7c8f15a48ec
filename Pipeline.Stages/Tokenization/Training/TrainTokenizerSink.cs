using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Progress;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Tokenization.Tokens;
using Pipeline.Stages.Tokenization.Writing;

namespace Pipeline.Stages.Tokenization.Training;

/// <summary>
/// Trains a byte-level BPE tokenizer on the documents of a flow and writes it as a Hugging Face folder. The folder appears by one rename, when it is
/// complete. A run that finds it does not train again.
/// </summary>
internal sealed class TrainTokenizerSink : ISink<TextDocument>, ICommitted
{
    public const string Kind = "train-tokenizer";

    private const string RecordFile = "training.json";
    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    private readonly TrainTokenizerOptions _options;
    private readonly IStorage _storage;
    private readonly IStageMeter _meter;
    private readonly string _stageName;
    private readonly string _folder;
    private readonly Func<IReadOnlyDictionary<string, string>> _fingerprint;
    private readonly IReadOnlyList<string> _specials;

    public TrainTokenizerSink(TrainTokenizerOptions options, string folder, string stageName, Func<IReadOnlyDictionary<string, string>> fingerprint, IStorage storage, IStageMeter meter)
    {
        (_options, _folder, _stageName, _fingerprint, _storage, _meter) = (options, folder, stageName, fingerprint, storage, meter);
        OptionRules.Require(options, $"stage {stageName}");
        _specials = options.Specials;
    }

    public static StageRegistration Registration { get; } = StageRegistration.Sink<TrainTokenizerOptions, TextDocument, TrainTokenizerSink>(
        Kind,
        "Learns a byte-level BPE tokenizer from text and writes it as a Hugging Face folder.",
        static (o, c) => new TrainTokenizerSink(o, RunPaths.Output(c.RunFolder, o.To), c.StageName, c.Fingerprint, c.Storage, c.Meter))
        .Writing<TrainTokenizerOptions>(static o => [new StageOutput("to", o.To, OutputKind.Tokenizer)]);

    public bool IsCommitted(int part)
    {
        if (!_storage.DirectoryExists(_folder))
            return false;
        string record = Path.Combine(_folder, RecordFile);
        if (!_storage.FileExists(record))
            throw new InputException($"folder {_folder} exists but was not made by {Kind}; give another name as 'to', or remove it");
        using var reader = new StreamReader(_storage.OpenRead(record), Encoding.UTF8);
        // Folders of earlier versions do not record the input.
        string made = reader.ReadToEnd();
        if (made != Record(Input()) && made != Record(null))
            throw new InputException($"tokenizer {_folder} was trained with other options, or on other text (see its {RecordFile}); give another name as 'to', or remove it");
        return true;
    }

    public bool IsPresent(int part) => _storage.DirectoryExists(_folder);

    public async Task RunAsync(IAsyncEnumerable<TextDocument> input, CancellationToken cancellationToken)
    {
        if (IsCommitted(0))
        {
            _meter.Say($"tokenizer {_folder} exists already");
            return;
        }
        string regex = WordPatterns.Regex(_options.Pattern);
        bool nfc = _options.Pattern == WordPattern.Qwen2;
        var untrained = TextTokenizer.FromJson(_folder, ByteTokenizerWriter.Write(Bytes(), _specials, null, regex, nfc), []);
        var counter = new WordCounter(untrained.Definition);
        await foreach (TextDocument document in input.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            counter.Add(WellFormedText.Normalize(document.Text));
            foreach (ChatMessage message in document.Messages ?? [])
                counter.Add(WellFormedText.Normalize(message.Content));
        }
        _meter.Count("words", counter.Words);
        _meter.Count("distinctWords", counter.Counts.Count);
        _meter.Count("longWordsLeftOut", counter.LongWords);
        if (counter.Counts.Count == 0)
            throw new InputException($"stage {_stageName}: no text reached it to train a tokenizer on");

        int size = _options.VocabularySize - _specials.Count;
        Vocabulary vocabulary = BpeTrainer.Train(
            counter.Counts, size, _options.MinFrequency, done => _meter.Progress(done, size), cancellationToken);
        if (vocabulary.Tokens.Count < size)
        {
            _meter.Say(
                $"the tokenizer has {vocabulary.Tokens.Count + _specials.Count} tokens, not {_options.VocabularySize}: no other pair occurs {_options.MinFrequency} times");
        }
        Write(vocabulary, regex, nfc);
    }

    private void Write(Vocabulary vocabulary, string regex, bool nfc)
    {
        using var staged = new StagedFolder(_storage, _folder);
        var tokenizer = TextTokenizer.FromJson(
            _folder,
            ByteTokenizerWriter.Write(vocabulary, _specials, _options.Bos, regex, nfc),
            ByteTokenizerWriter.Companions(_options.Bos, _options.Eos, _options.Pad));
        tokenizer.Save(staged.Path, _storage);
        _storage.WriteAtomically(Path.Combine(staged.Path, RecordFile), stream => stream.Write(Encoding.UTF8.GetBytes(Record(Input()))));
        staged.Commit();
    }

    private string? Input() => _fingerprint().GetValueOrDefault(FingerprintPart.Input);

    private string Record(string? input)
    {
        JsonObject record = JsonSerializer.SerializeToNode(_options, s_json)!.AsObject();
        if (input is not null)
            record["input"] = input;
        return record.ToJsonString(s_json);
    }

    private static Vocabulary Bytes() => new([.. Enumerable.Range(0, 256).Select(b => ByteAlphabet.Character((byte)b).ToString())], []);
}
