using System.Security.Cryptography;
using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Tokenization.AddedTokens;
using Pipeline.Stages.Tokenization.Decoding;
using Pipeline.Stages.Tokenization.Gguf;
using Pipeline.Stages.Tokenization.Reading;
using Pipeline.Stages.Tokenization.Writing;

namespace Pipeline.Stages.Tokenization;

/// <summary>
/// A BPE or Unigram tokenizer that gives exactly the ids Hugging Face's own crate gives for the same tokenizer.json. Immutable and
/// safe to share; each worker encodes with an encoder of its own. What a tokenizer.json says is either implemented or refused by
/// name when it is loaded.
/// </summary>
public sealed partial class TextTokenizer
{
    /// <summary>The path that means one token per byte.</summary>
    public const string BytesPath = "bytes";

    private readonly TokenizerFolder _folder;
    private readonly string?[] _tokens;
    private readonly AddedToken?[] _added;
    private readonly Dictionary<string, int> _addedIds;
    private readonly ByteViews _views;

    private TextTokenizer(TokenizerFolder folder)
    {
        Definition = TokenizerDefinition.Parse(folder.Json, folder.File);
        if (DeclaredTokens.Missing(folder, Definition) is { Count: > 0 } declared)
        {
            folder = folder.With(AddedTokenWriter.Add(folder.Json, declared));
            Definition = TokenizerDefinition.Parse(folder.Json, folder.File);
        }
        _folder = folder;
        int size = 1 + Math.Max(
            Definition.Model.Tokens.Count == 0 ? -1 : Definition.Model.Tokens.Values.Max(),
            Definition.Added.Count == 0 ? -1 : Definition.Added.Max(t => t.Id));
        _tokens = new string?[size];
        _added = new AddedToken?[size];
        foreach ((string token, int id) in Definition.Model.Tokens)
            _tokens[id] = token;
        foreach (AddedToken token in Definition.Added)
            _added[token.Id] = token;
        _addedIds = Definition.Added.ToDictionary(t => t.Content, t => t.Id, StringComparer.Ordinal);
        _views = new ByteViews(Definition, _tokens, _added);
        if (Definition.Frame.Before.Concat(Definition.Frame.After).Any(id => TokenOf(id) is null))
            throw new InputException($"tokenizer {folder.File}: $.post_processor uses an id that no token has");

        SpecialIds = [.. Definition.Added.Where(t => t.Special).Select(t => t.Id)];
        BosId = Mark("bos") ?? (Definition.Frame.Before.Count == 1 ? Definition.Frame.Before[0] : null);
        EosId = Mark("eos") ?? (Definition.Frame.After.Count == 1 ? Definition.Frame.After[0] : null);
        PadId = Mark("pad");
        Fingerprint = ComputeFingerprint();

        int? Mark(string name) => folder.FindMark(name, IdOf, id => TokenOf(id) is not null);
    }

    /// <summary>One more than the largest id.</summary>
    public int VocabularySize => _tokens.Length;

    /// <summary>The special token in front of a text, if the tokenizer has one.</summary>
    public int? BosId { get; }

    /// <summary>The special token at the end of a text, if the tokenizer has one.</summary>
    public int? EosId { get; }

    public int? PadId { get; }

    /// <summary>Ids of added tokens that are declared special, ascending.</summary>
    public IReadOnlyList<int> SpecialIds { get; }

    /// <summary>Hexadecimal SHA-256 of everything that can change ids.</summary>
    public string Fingerprint { get; }

    internal TokenizerDefinition Definition { get; }

    /// <summary>The tokenizer.json it was made from.</summary>
    internal ReadOnlyMemory<byte> Json => _folder.Json;

    /// <summary>Loads a Hugging Face folder, a tokenizer.json, a GGUF file, or <c>"bytes"</c>.</summary>
    /// <exception cref="InputException">It does not exist, or says something that is not supported; the message names file and place.</exception>
    public static TextTokenizer Load(string path, IStorage storage)
    {
        ArgumentNullException.ThrowIfNull(storage);
        return path == BytesPath
            ? Bytes(ByteTokenizerWriter.DefaultSpecials, ByteTokenizerWriter.Bos, ByteTokenizerWriter.Eos, ByteTokenizerWriter.Pad)
            : new TextTokenizer(GgufFile.IsOne(path, storage) ? GgufTokenizer.Read(path, storage) : TokenizerFolder.Read(path, storage));
    }

    /// <summary>One token per byte, whose id is the byte; special tokens from 256 up. Text gets <paramref name="bos"/> in front.</summary>
    public static TextTokenizer Bytes(IReadOnlyList<string> specialTokens, string? bos, string? eos, string? pad)
    {
        foreach (string? mark in new[] { bos, eos, pad })
        {
            if (mark is not null && !specialTokens.Contains(mark))
                throw new InputException($"tokenizer bytes: '{mark}' is not among its special tokens: {string.Join(", ", specialTokens)}");
        }
        return new TextTokenizer(TokenizerFolder.InMemory(
            BytesPath,
            ByteTokenizerWriter.Write(specialTokens, bos),
            ByteTokenizerWriter.Companions(bos, eos, pad)));
    }

    /// <summary>Reads a tokenizer.json that was made in memory; for the trainer.</summary>
    internal static TextTokenizer FromJson(string name, byte[] json, Dictionary<string, byte[]> companions)
        => new(TokenizerFolder.InMemory(name, json, companions));

    /// <summary>
    /// Text of a special token ("bos", "eos", "pad", "unk") as chat templates see it: what the folder's configuration names, null where that says
    /// null, and <paramref name="otherwise"/>'s token where it says nothing.
    /// </summary>
    internal string? MarkText(string mark, int? otherwise)
        => _folder.Says(mark, out string? text) ? text : otherwise is { } id ? TokenOf(id) : null;

    /// <summary>The token as the vocabulary spells it, or null when no token has the id.</summary>
    public string? TokenOf(int id)
        => (uint)id >= (uint)_tokens.Length ? null : _added[id]?.Content ?? _tokens[id];

    public int? IdOf(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _addedIds.TryGetValue(token, out int id) || Definition.Model.Tokens.TryGetValue(token, out id) ? id : null;
    }

    /// <summary>
    /// The bytes of text that the token spells; empty for ids no token has. An added token has those of its content, and
    /// <see cref="IsMark"/> says whether it may be one of a template's special tokens.
    /// </summary>
    public ReadOnlySpan<byte> ByteView(int id) => _views[id];

    /// <summary>Whether the token is an added one that may be a special token; added tokens of only white space are text.</summary>
    public bool IsMark(int id) => (uint)id < (uint)_added.Length && _added[id] is { } added && !Definition.IsWhiteSpace(added);

    public bool IsSpecial(int id) => (uint)id < (uint)_added.Length && _added[id] is { Special: true };

    /// <summary>Scratch and cache for one worker; the tables stay shared.</summary>
    public TextEncoder CreateEncoder() => new(this);

    /// <summary>Text of ids, as Hugging Face's crate decodes; ids that no token has are left out.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens)
    {
        var tokens = new List<string>(ids.Length);
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)_tokens.Length)
                continue;
            string? token = _added[id] is { } added
                ? Definition.NormalizedContent.GetValueOrDefault(id, added.Content)
                : _tokens[id];
            // The crate tells specials by what is left of them after normalizing.
            if (token is not null && !(skipSpecialTokens && _addedIds.TryGetValue(token, out int special) && IsSpecial(special)))
                tokens.Add(token);
        }
        if (Definition.Decoders is null)
            return string.Join(' ', tokens);
        foreach (DecoderStep step in Definition.Decoders)
            tokens = step.Apply(tokens);
        return string.Concat(tokens);
    }

    /// <summary>
    /// Writes tokenizer.json byte for byte as it was read, tokens added that only the files beside it had, and the files that belong to it, into a
    /// folder.
    /// </summary>
    public void Save(string folder, IStorage storage)
    {
        ArgumentNullException.ThrowIfNull(storage);
        storage.CreateDirectory(folder);
        foreach ((string name, byte[] bytes) in _folder.Companions.OrderBy(c => c.Key, StringComparer.Ordinal))
            storage.WriteAtomically(Path.Combine(folder, name), stream => stream.Write(bytes));
        if (!_folder.Companions.ContainsKey(TokenizerFolder.Config))
        {
            byte[] config = ByteTokenizerWriter.Config(Name(BosId), Name(EosId), Name(PadId));
            storage.WriteAtomically(Path.Combine(folder, TokenizerFolder.Config), stream => stream.Write(config));
        }
        // Last: a folder with a tokenizer.json is complete.
        storage.WriteAtomically(Path.Combine(folder, TokenizerFolder.Main), stream => stream.Write(_folder.Json));

        string? Name(int? id) => id is { } known ? TokenOf(known) : null;
    }

    /// <summary>A file that came with tokenizer.json (<c>tokenizer_config.json</c>, <c>chat_template.jinja</c>), or null.</summary>
    public ReadOnlyMemory<byte>? Companion(string fileName)
        => _folder.Companions.TryGetValue(fileName, out byte[]? bytes) ? bytes : null;

    private string ComputeFingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(_folder.Json);
        hash.AppendData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"\nbos {BosId}\neos {EosId}\npad {PadId}\n")));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
