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
/// A BPE or Unigram tokenizer. It gives exactly the ids that Hugging Face's tokenizers, a Rust crate, give for the same tokenizer.json ("the crate" in
/// the comments of this folder). Everything that a tokenizer.json can say is either implemented or refused by name when it is loaded. A tokenizer can be
/// shared by threads (but for <see cref="EncodeBytes"/>); each worker encodes with its own <see cref="TextEncoder"/>.
/// </summary>
public sealed partial class TextTokenizer
{
    /// <summary>The path that stands for a tokenizer of bytes, with one token for each byte.</summary>
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

    /// <summary>The largest id plus one.</summary>
    public int VocabularySize => _tokens.Length;

    /// <summary>The token at the beginning of a text (bos), or null if the tokenizer has none.</summary>
    public int? BosId { get; }

    /// <summary>The token at the end of a text (eos), or null if the tokenizer has none.</summary>
    public int? EosId { get; }

    /// <summary>The token that fills batches (pad), or null if the tokenizer has none.</summary>
    public int? PadId { get; }

    /// <summary>The ids of the added tokens that are declared special, in ascending order.</summary>
    public IReadOnlyList<int> SpecialIds { get; }

    /// <summary>The SHA-256, in hexadecimal, of everything that can change ids.</summary>
    public string Fingerprint { get; }

    internal TokenizerDefinition Definition { get; }

    /// <summary>The bytes of the tokenizer.json that this tokenizer was made from.</summary>
    internal ReadOnlyMemory<byte> Json => _folder.Json;

    /// <summary>Loads a Hugging Face folder, a tokenizer.json, a GGUF file, or <c>"bytes"</c>.</summary>
    /// <exception cref="InputException">Nothing is there, or the file says something that is not supported; the message names the place.</exception>
    public static TextTokenizer Load(string path, IStorage storage)
    {
        ArgumentNullException.ThrowIfNull(storage);
        return path == BytesPath
            ? Bytes(ByteTokenizerWriter.DefaultSpecials, ByteTokenizerWriter.Bos, ByteTokenizerWriter.Eos, ByteTokenizerWriter.Pad)
            : new TextTokenizer(GgufFile.IsOne(path, storage) ? GgufTokenizer.Read(path, storage) : TokenizerFolder.Read(path, storage));
    }

    /// <summary>
    /// A tokenizer with one token for each byte, whose id is the byte. The ids of the special tokens begin at 256.
    /// </summary>
    /// <param name="specialTokens">The special tokens, in the order of their ids.</param>
    /// <param name="bos">The special token that encoding with special tokens puts in front of a text, or null.</param>
    /// <param name="eos">The special token that ends a text, or null.</param>
    /// <param name="pad">The special token that fills batches, or null.</param>
    /// <exception cref="InputException"><paramref name="bos"/>, <paramref name="eos"/> or <paramref name="pad"/> is not among the special tokens.</exception>
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

    /// <summary>Reads a tokenizer.json that the trainer has made in memory.</summary>
    internal static TextTokenizer FromJson(string name, byte[] json, Dictionary<string, byte[]> companions)
        => new(TokenizerFolder.InMemory(name, json, companions));

    /// <summary>
    /// The text of a special token ("bos", "eos", "pad" or "unk") as chat templates see it. It is what the folder's configuration names, or null if that
    /// says null. If the configuration says nothing, it is the text of the token <paramref name="otherwise"/>.
    /// </summary>
    internal string? MarkText(string mark, int? otherwise)
        => _folder.Says(mark, out string? text) ? text : otherwise is { } id ? TokenOf(id) : null;

    /// <summary>The token as the vocabulary spells it, or null if no token has this id.</summary>
    public string? TokenOf(int id)
        => (uint)id >= (uint)_tokens.Length ? null : _added[id]?.Content ?? _tokens[id];

    /// <summary>The id of a token that is spelt as in the vocabulary, or null if there is none. Added tokens go first.</summary>
    public int? IdOf(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _addedIds.TryGetValue(token, out int id) || Definition.Model.Tokens.TryGetValue(token, out id) ? id : null;
    }

    /// <summary>
    /// The bytes of text that the token spells (its byte view); empty for an id that no token has. An added token spells its content. Whether it may be
    /// one of a template's special tokens is said by <see cref="IsMark"/>.
    /// </summary>
    public ReadOnlySpan<byte> ByteView(int id) => _views[id];

    /// <summary>Whether this is an added token that may act as a special token. Added tokens that are only white space are text.</summary>
    public bool IsMark(int id) => (uint)id < (uint)_added.Length && _added[id] is { } added && !Definition.IsWhiteSpace(added);

    /// <summary>Whether this is an added token that is declared special.</summary>
    public bool IsSpecial(int id) => (uint)id < (uint)_added.Length && _added[id] is { Special: true };

    /// <summary>An encoder for one worker: its buffers and cache are its own, the tables are shared.</summary>
    public TextEncoder CreateEncoder() => new(this);

    /// <summary>The text of the ids, decoded as Hugging Face's tokenizers do it. Ids that no token has are left out.</summary>
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
            // The crate looks the normalized content up to see whether a token is special.
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
    /// Saves the tokenizer as a Hugging Face folder. tokenizer.json is written byte for byte as it was read, unless tokens had to be added to it that
    /// only the files beside it declared. The files beside it are copied. If there was no tokenizer_config.json, one with bos, eos and pad is written.
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
        // This file comes last: a folder that has a tokenizer.json is complete.
        storage.WriteAtomically(Path.Combine(folder, TokenizerFolder.Main), stream => stream.Write(_folder.Json));

        string? Name(int? id) => id is { } known ? TokenOf(known) : null;
    }

    /// <summary>The bytes of a file that came with tokenizer.json (such as <c>tokenizer_config.json</c> or <c>chat_template.jinja</c>), or null.</summary>
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
