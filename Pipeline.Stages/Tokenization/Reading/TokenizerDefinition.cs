using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization.AddedTokens;
using Pipeline.Stages.Tokenization.Decoding;
using Pipeline.Stages.Tokenization.Normalizing;
using Pipeline.Stages.Tokenization.Patterns;
using Pipeline.Stages.Tokenization.Splitting;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Tokenization.Reading;

/// <summary>A tokenizer.json after reading: immutable tables and steps, which all workers share.</summary>
internal sealed class TokenizerDefinition
{
    /// <summary>The size of the largest file that is read.</summary>
    public const long MaxFileBytes = 512L << 20;

    private const int MaxSteps = 256;

    private static readonly string[] s_sections =
    [
        "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model",
    ];

    private TokenizerDefinition(JsonPlace root)
    {
        RefuseLimits(root);
        Normalizers = NormalizerReader.Read(root["normalizer"]);
        PreTokenizers = PreTokenizerReader.Read(root["pre_tokenizer"], !ModelReader.MarksCharacters(root["model"]), out bool onBytes);
        if (Normalizers.Count > MaxSteps || PreTokenizers.Count > MaxSteps)
            throw root.Refuse($"a tokenizer of {Normalizers.Count} normalizers and {PreTokenizers.Count} pre-tokenizers", $"at most {MaxSteps} of each are supported");
        Model = ModelReader.Read(root["model"], onBytes);
        Added = AddedTokenReader.Read(root["added_tokens"], Model);
        Frame = TemplateReader.Read(root["post_processor"]);
        Decoders = DecoderReader.Read(root["decoder"]);
        IsByteLevel = onBytes || PreTokenizers.Exists(s => s is ByteCharactersStep) || Normalizers.Exists(s => s is ByteCharactersNormalizer);
        Space = PreTokenizers.OfType<MetaspaceStep>().Select(s => (char?)s.Replacement).FirstOrDefault()
            ?? Normalizers.OfType<ReplaceCharacterStep>().Where(s => s.From == ' ').Select(s => (char?)s.To).FirstOrDefault();

        Raw = new AddedTokenMatcher(Added.Where(t => !t.Normalized).Select(t => (t.Content, t)));
        var patterns = new List<(string, AddedToken)>();
        foreach (AddedToken token in Added.Where(t => t.Normalized))
        {
            string pattern = Normalize(token.Content);
            if (pattern != token.Content)
                NormalizedContent[token.Id] = pattern;
            if (patterns.Exists(p => p.Item1 == pattern))
                throw root["added_tokens"].Refuse($"two tokens that normalize to '{pattern}'", "they could not be told apart");
            patterns.Add((pattern, token));
        }
        Normalized = new AddedTokenMatcher(patterns);
    }

    public List<NormalizerStep> Normalizers { get; }

    public List<PreTokenizerStep> PreTokenizers { get; }

    public TokenModel Model { get; }

    /// <summary>The added tokens, in the order of their ids.</summary>
    public List<AddedToken> Added { get; }

    /// <summary>Finds the added tokens that are searched for in the text as it is.</summary>
    public AddedTokenMatcher Raw { get; }

    /// <summary>Finds the added tokens that are searched for in the normalized text.</summary>
    public AddedTokenMatcher Normalized { get; }

    /// <summary>By id, the normalized content of the added tokens that normalizing changes. Decoding begins with it.</summary>
    public Dictionary<int, string> NormalizedContent { get; } = [];

    public SpecialFrame Frame { get; }

    public List<DecoderStep>? Decoders { get; }

    /// <summary>Whether the vocabulary is spelt in the byte alphabet.</summary>
    public bool IsByteLevel { get; }

    /// <summary>The character that stands for a space in the vocabulary, or null.</summary>
    public char? Space { get; }

    /// <summary>The id of the next new token. Hugging Face's crate counts on from the size of the vocabulary, whatever the largest id is.</summary>
    public int NextId => Model.Count + Added.Count(t => !Model.Tokens.ContainsKey(t.Content));

    /// <summary>
    /// Whether an added token only spells white space with fewer tokens, as Gemma's runs of <c>▁</c> and of line feeds do, and GPT-NeoX's runs of spaces.
    /// It is text, and the model's own merges may make it too.
    /// </summary>
    public bool IsWhiteSpace(AddedToken token) => !token.Special && token.Content.All(c => c == Space || char.IsWhiteSpace(c));

    /// <exception cref="InputException">The file is not JSON, or says something that is not supported.</exception>
    public static TokenizerDefinition Parse(ReadOnlyMemory<byte> json, string file)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return new TokenizerDefinition(new JsonPlace(file, "$", document.RootElement));
        }
        catch (JsonException e)
        {
            throw TokenizerFolder.NotJson(file, json.Span, e);
        }
        catch (PatternException e)
        {
            throw new InputException($"tokenizer {file}: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            // A property name with half a surrogate pair cannot be read as text.
            throw new InputException($"tokenizer {file}: {e.Message}", e);
        }
    }

    private static void RefuseLimits(JsonPlace root)
    {
        JsonPlace version = root["version"];
        if (!version.IsNull && version.Text() != "1.0")
            throw version.Refuse(version.Describe(), "version 1.0 is supported");
        foreach (JsonProperty property in root.Value.EnumerateObject())
        {
            if (!s_sections.Contains(property.Name))
                throw root[property.Name].Refuse("not known", $"a tokenizer.json may have {string.Join(", ", s_sections)}");
        }
        JsonPlace truncation = root["truncation"];
        if (!truncation.IsNull)
            throw truncation.Refuse(truncation.Describe(), "only null is supported, as no text is cut silently (set it to null)");
        // Padding to the longest text of a batch changes nothing for a single text.
        JsonPlace padding = root["padding"];
        if (padding.IsNull)
            return;
        bool longest = padding["strategy"] is { Value.ValueKind: JsonValueKind.String } strategy && strategy.Text() == "BatchLongest";
        if (!longest || !padding["pad_to_multiple_of"].IsNull)
            throw padding.Refuse(padding.Describe(), "only null, or BatchLongest without pad_to_multiple_of, is supported (set it to null)");
    }

    private string Normalize(string content)
    {
        if (!WellFormedText.IsWellFormed(content))
            return content;
        var segment = new SegmentText();
        var scratch = new SplitScratch();
        segment.Load(content, atStart: true);
        foreach (NormalizerStep step in Normalizers)
            step.Apply(segment, scratch);
        return segment.Characters.ToString();
    }
}
