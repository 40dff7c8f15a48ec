using System.Collections.Concurrent;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Tokenization;

/// <summary>Loads each tokenizer of a run once, and shares it between stages.</summary>
public sealed class TokenizerStore(IStorage storage)
{
    private readonly ConcurrentDictionary<string, Lazy<TextTokenizer>> _tokenizers = new(StringComparer.Ordinal);

    /// <summary>The tokenizer at a full path (that of a folder, a tokenizer.json or a GGUF file), or <c>"bytes"</c>.</summary>
    /// <exception cref="Contracts.Errors.InputException">The tokenizer cannot be loaded. A later call tries again.</exception>
    public TextTokenizer Get(string path)
    {
        Lazy<TextTokenizer> tokenizer = _tokenizers.GetOrAdd(path, p => new Lazy<TextTokenizer>(() => TextTokenizer.Load(p, storage)));
        try
        {
            return tokenizer.Value;
        }
        catch (Contracts.Errors.AlmException)
        {
            _tokenizers.TryRemove(KeyValuePair.Create(path, tokenizer));
            throw;
        }
    }
}
